//! Who we are among the account's devices.

use async_trait::async_trait;
use wacore::store::{Device, error::Result, traits::DeviceStore};

use super::Kept;

const DEVICE: &str = "device";

/// All shelves of this file.
pub(super) const SHELVES: &[&str] = &[DEVICE];
/// A vault holds one device.
const NUMBER: i32 = 1;

#[async_trait]
impl DeviceStore for Kept {
    async fn save(&self, device: &Device) -> Result<()> {
        self.put_json(DEVICE, DEVICE, device).await
    }

    async fn load(&self) -> Result<Option<Device>> {
        self.json(DEVICE, DEVICE).await
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.bytes(DEVICE, DEVICE).await?.is_some())
    }

    async fn create(&self) -> Result<i32> {
        let _order = self.order().await?;
        if !self.exists().await? {
            self.save(&Device::new()).await?;
        }
        Ok(NUMBER)
    }
}
