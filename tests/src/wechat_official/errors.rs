//! WeChat's codes, with its words.
//!
//! <https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html>

use serde_json::{Value, json};

/// A refusal by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(pub i64);

impl Code {
    fn words(self) -> &'static str {
        match self.0 {
            -1 => "system error",
            40_001 => "invalid credential, access_token is invalid or not latest",
            40_002 => "invalid grant_type",
            40_003 => "invalid openid",
            40_004 => "invalid media type",
            40_006 => "invalid meida size",
            40_007 => "invalid media_id",
            40_008 => "invalid message type",
            40_013 => "invalid appid",
            40_014 => "invalid access_token",
            40_033 => "invalid charset. please check your request, if include \\uxxxx will create fail!",
            40_037 => "invalid template_id",
            40_066 => "invalid url",
            40_125 => "invalid appsecret",
            40_164 => "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
            41_001 => "access_token missing",
            41_005 => "media data missing",
            42_001 => "access_token expired",
            43_002 => "require POST method",
            43_004 => "require subscribe",
            43_019 => "require remove blacklist",
            44_002 => "empty post data",
            44_004 => "empty content",
            45_002 => "content size out of limit",
            45_009 => "reach max api daily quota limit",
            45_011 => "api minute-quota reach limit, must slower, retry next minute",
            45_015 => "response out of time limit or subscription is canceled",
            45_047 => "out of response count limit",
            45_065 => "clientmsgid exist",
            47_001 => "data format error",
            47_003 => "argument invalid! data.number2.value invalid",
            48_001 => "api unauthorized",
            50_002 => "user limited",
            87_014 => "risky content",
            _ => "some other error",
        }
    }

    /// As it is answered.
    pub fn body(self) -> Value {
        json!({"errcode": self.0, "errmsg": format!("{} rid: 5f6d0000-00000000-00000000", self.words())})
    }
}
