//! Takes the trust files that follow the pinned one: at the start those that were taken before, and then what a courier brings.

use super::{
    ActivationError, Bundles, DecisionLog,
    finder::Found,
    kept::{KEPT, keep, keep_trust, kept_trust},
};
use crate::sources::bundle::{Code, NextTrust, Refusal, Taken, Verified, archive};
use jiff::Timestamp;
use tracing::{error, info, warn};

impl Bundles {
    /// Goes from the pinned trust file to the newest one. Nothing is written.
    ///
    /// # Errors
    /// One that was taken here is not among them: nothing goes back to an older one in silence.
    pub(super) fn resume_trust(&mut self, found: &mut Found) -> Result<(), (String, Refusal)> {
        let mut files = kept_trust(&self.data).map_err(|(path, refusal)| (path.display().to_string(), refusal))?;
        let newest_kept = files.iter().max_by_key(|(_, file)| file.trust().file().version).cloned();
        files.extend(self.finder.trust_files(found));
        let chain = &mut self.finder.trust;
        if let Some(floor) = &self.trust_on_record {
            chain.resume(&files, floor).map_err(|refusal| (self.finder.config.trust.display().to_string(), refusal))?;
        }
        let now = Timestamp::now();
        while let Some(taken) = chain.next(&files, now) {
            chain.push(taken);
        }
        let refused = chain.refusals(&files, now);
        if let Some((path, kept)) = newest_kept.filter(|(_, kept)| kept.trust().file().version > chain.floor().version)
        {
            let why = refused.into_iter().find(|(file, _)| *file == path).map(|(_, refusal)| refusal);
            return Err((path, why.unwrap_or_else(|| left_out(&kept))));
        }
        found.refused.extend(refused);
        self.finder.store.note_trust(&chain.floor());
        Ok(())
    }

    /// Takes each trust file of the courier that follows the newest.
    ///
    /// # Errors
    /// One that follows could not be kept or recorded, and is tried again.
    pub(super) fn take_trust(&mut self, log: &DecisionLog, found: &mut Found) -> Result<(), Refusal> {
        let files = self.finder.trust_files(found);
        let now = Timestamp::now();
        self.waits = false;
        while let Some(taken) = self.finder.trust.next(&files, now) {
            let version = taken.next().trust().file().version;
            if let Err(error) = self.take(log, taken) {
                self.waits = true;
                error!(version, "A new trust file does not count yet, and is tried again: {error}");
                let message = format!("version {version} is tried again, and no bundle is taken before it: {error}");
                // The others are not refused before that.
                return Err(Refusal::new(Code::TrustFile, message));
            }
            info!(version, "A new trust file counts.");
            self.warn_of_removed();
            // So that the floor is near the end of the log.
            self.record_active(log);
        }
        let newest = self.finder.trust.newest();
        self.waits = files.iter().any(|(_, file)| file.may_follow_later(newest, now));
        found.refused.extend(self.finder.trust.refusals(&files, now));
        Ok(())
    }

    fn take(&mut self, log: &DecisionLog, taken: Taken) -> Result<(), ActivationError> {
        keep_trust(&self.data, &taken)?;
        log.record_trust(&taken)?;
        self.finder.trust.push(taken);
        let floor = self.finder.trust.floor();
        self.finder.store.note_trust(&floor);
        self.trust_on_record = Some(floor);
        Ok(())
    }

    /// Puts on record what was taken at the start.
    pub(super) fn record_taken(&mut self, log: &DecisionLog) {
        let on_record = self.trust_on_record.as_ref().map_or(0, |floor| floor.version);
        for taken in self.finder.trust.taken() {
            if taken.next().trust().file().version <= on_record {
                continue;
            }
            if let Err(error) = log.record_trust(taken) {
                warn!(%error, "The trust file is not on record yet; it is tried again.");
                return;
            }
        }
        self.trust_on_record = Some(self.finder.trust.floor());
    }

    /// Keeps a copy of the active bundle that has the signatures for the next start, where the kept one lacks them.
    pub(super) fn keep_signed(&self, copies: &[Verified]) {
        let Some(signed) = copies.first() else { return };
        let kept = archive::read_file(&self.data.join(KEPT));
        if kept.is_ok_and(|kept| Verified::active(&kept, self.finder.trust.newest()).is_ok()) {
            return;
        }
        match keep(&self.data, signed) {
            Ok(()) => info!("The active bundle has the signatures for the next start."),
            Err(error) => error!("The copy of the active bundle with more signatures is not kept: {error}"),
        }
    }

    /// What is active stays; the next start verifies it again.
    fn warn_of_removed(&self) {
        let Some(active) = self.finder.store.bundle() else { return };
        let bytes = active.bundle.bundle().write();
        let verified = bytes.and_then(|bytes| Verified::active(&bytes, self.finder.trust.newest()));
        if let Err(refusal) = verified {
            warn!("The active bundle lacks signatures for the next start; sign it once more: {refusal}");
        }
    }
}

fn left_out(kept: &NextTrust) -> Refusal {
    let message = format!(
        "version {} was taken here, and does not follow the pinned file; put that back, or pin a newer one as `bundle.trust`",
        kept.trust().file().version
    );
    Refusal::new(Code::TrustVersion, message)
}
