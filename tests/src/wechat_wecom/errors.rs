//! WeCom's codes, with its words.
//!
//! <https://developer.work.weixin.qq.com/document/path/90313>

use serde_json::{Value, json};

/// A refusal by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(pub i64);

impl Code {
    fn words(self) -> &'static str {
        match self.0 {
            -1 => "system busy",
            40_001 => "invalid credential",
            40_003 => "invalid userid",
            40_004 => "invalid media type",
            40_006 => "invalid media size",
            40_007 => "invalid media_id",
            40_008 => "invalid message type",
            40_029 => "invalid code",
            40_013 => "invalid corpid",
            40_014 => "invalid access_token",
            40_056 => "invalid agentid",
            40_096 => "invalid external userid",
            40_058 => "invalid Request Parameter",
            41_001 => "access_token missing",
            42_001 => "access_token expired",
            43_004 => "require subscribe",
            44_001 => "empty media data",
            44_004 => "empty content",
            45_002 => "message content length exceeds limit",
            45_009 => "api freq out of limit",
            47_001 => "data format error",
            48_002 => "api forbidden",
            60_020 => "not allow to access from your ip, hint: [1] from ip: 127.0.0.1",
            60_111 => "userid not found",
            81_013 => "user & party & tag all invalid",
            86_215 => "chatid existed",
            86_003 => "chat id not exist",
            95_000 => "invalid open_kfid",
            95_001 => "send msg count reach limit",
            95_002 => "out of the 48 hours window",
            95_007 => "invalid msg token",
            95_018 => "send msg session status invalid",
            _ => "some other error",
        }
    }

    /// As it is answered.
    pub fn body(self) -> Value {
        json!({"errcode": self.0, "errmsg": format!("{}, hint: [1600000000_1_00000000]", self.words())})
    }
}
