# SPDX-License-Identifier: Apache-2.0
"""Texts that mean the same on several surfaces."""

from typing import Final

from tessera_service.messages.text import Text

INVALID_REQUEST: Final = Text("The request is not valid.", "Yêu cầu không hợp lệ.")
MISSING_FIELD: Final = Text("A required field is missing.", "Yêu cầu thiếu một trường bắt buộc.")
FORBIDDEN: Final = Text("The caller lacks a permission for this.", "Bạn không có quyền thực hiện thao tác này.")
NO_SESSION: Final = Text("There is no such session.", "Không tìm thấy phiên này.")
WRONG_CREDENTIALS: Final = Text(
    "The user name or the password is not right.", "Tên đăng nhập hoặc mật khẩu không đúng."
)
NOT_FOUND: Final = Text("There is nothing at this path.", "Đường dẫn này không tồn tại.")
METHOD_NOT_ALLOWED: Final = Text(
    "This path does not take this method.", "Đường dẫn này không hỗ trợ phương thức được gọi."
)
TOO_LARGE: Final = Text("The body is too large.", "Nội dung yêu cầu quá lớn.")
UNSUPPORTED: Final = Text(
    "The body's content type or encoding is not supported.",
    "Kiểu nội dung hoặc cách mã hóa của yêu cầu không được hỗ trợ.",
)
RATE_LIMITED: Final = Text("Too many requests: try again later.", "Quá nhiều yêu cầu, vui lòng thử lại sau.")
UNAVAILABLE: Final = Text(
    "The service cannot answer at the moment.", "Dịch vụ tạm thời không thể phản hồi, vui lòng thử lại sau."
)
