//! `registration --rotate`: new tokens in the place of old ones, without a gap and without signing anybody out.

use std::io;

use super::{ExitCode, World, complain};
use crate::{appservice::registration::Registration, config::Config};

const MINUTE_MS: i64 = 60_000;

pub(super) fn rotate<P>(world: &mut World<'_>, config: Config<P>) -> io::Result<ExitCode> {
    let path = &config.appservice.registration;
    let mut registration = match Registration::read(&config.about, &config.appservice) {
        Ok(registration) => registration,
        Err(report) => return complain(world, &report),
    };
    let now_ms = world.clock.now_ms();
    if let Some(previous) = registration.tokens.previous(now_ms) {
        let minutes = (previous.until_ms - now_ms + MINUTE_MS - 1) / MINUTE_MS;
        writeln!(
            world.errors,
            "{}: a rotation is under way: the tokens from before it count for {} h {} min more. To end it now, take out the lines that \
             begin with `magpie_previous_` and restart the bridge.",
            path.display(),
            minutes / 60,
            minutes % 60,
        )?;
        return Ok(ExitCode::Config);
    }
    registration.tokens = registration.tokens.rotated(&world.clock);
    if let Err(error) = registration.write(&config.about, path) {
        writeln!(world.errors, "{}: cannot be written: {error}", path.display())?;
        return Ok(ExitCode::Runtime);
    }
    writeln!(
        world.output,
        "Wrote {} with new tokens. Restart the bridge first: it accepts the old tokens beside the new ones for 24 hours. Then let the \
         homeserver read the file, and restart it.",
        path.display()
    )?;
    Ok(ExitCode::Ok)
}
