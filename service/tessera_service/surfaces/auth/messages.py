# SPDX-License-Identifier: Apache-2.0
"""The one place of the auth surface's texts: a message for each code, in each language."""

from typing import Final

ENGLISH: Final = {
    "auth.invalid_request": "The request is not valid.",
    "auth.invalid_query": "The query is not valid.",
    "auth.tenant_not_found": "X-Tenant-ID is missing or names no tenant.",
    "auth.invalid_credentials": "The user name or the password is not right.",
    "auth.otp.invalid": "The code is not right.",
    "auth.otp.expired": "The code has expired.",
    "auth.token.invalid": "A valid token is required.",
    "auth.token.already_revoked": "The token was revoked before.",
    "auth.tenant_mismatch": "The token belongs to another tenant.",
    "auth.forbidden": "The caller lacks a permission for this.",
    "session.not_found": "There is no such session.",
    "auth.rate_limited": "Too many requests: try again later.",
    "auth.not_found": "There is nothing at this path.",
    "auth.method_not_allowed": "This path does not take this method.",
    "auth.payload_too_large": "The body is too large.",
    "auth.unsupported_media_type": "The body's content type or encoding is not supported.",
    "auth.internal_error": "The service cannot answer at the moment.",
}
VIETNAMESE: Final = {
    "auth.invalid_request": "Yêu cầu không hợp lệ.",
    "auth.invalid_query": "Truy vấn không hợp lệ.",
    "auth.tenant_not_found": "Thiếu X-Tenant-ID hoặc tenant không tồn tại.",
    "auth.invalid_credentials": "Tên đăng nhập hoặc mật khẩu không đúng.",
    "auth.otp.invalid": "Mã OTP không đúng.",
    "auth.otp.expired": "Mã OTP đã hết hạn.",
    "auth.token.invalid": "Cần có token hợp lệ.",
    "auth.token.already_revoked": "Token đã bị thu hồi trước đó.",
    "auth.tenant_mismatch": "Token không thuộc tenant đang gọi.",
    "auth.forbidden": "Không đủ quyền truy cập.",
    "session.not_found": "Không tìm thấy phiên đăng nhập.",
    "auth.rate_limited": "Quá nhiều yêu cầu: vui lòng thử lại sau.",
    "auth.not_found": "Không có gì tại đường dẫn này.",
    "auth.method_not_allowed": "Đường dẫn này không hỗ trợ phương thức đã gọi.",
    "auth.payload_too_large": "Nội dung yêu cầu quá lớn.",
    "auth.unsupported_media_type": "Kiểu nội dung hoặc cách mã hóa không được hỗ trợ.",
    "auth.internal_error": "Dịch vụ tạm thời không thể trả lời.",
}
TEXTS: Final = {"en": ENGLISH, "vi": VIETNAMESE}
