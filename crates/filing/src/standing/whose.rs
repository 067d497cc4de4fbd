//! Whose paper a component asks for.
//!
//! An application may need papers of several people, and its list may ask for one kind more than
//! once. A record is held for a component only where it is known whose paper that asks for, and
//! that it is not another component's:
//!
//! - Where the catalogue says `whose`, only records of the applicant, or of the others, are looked
//!   at; of several others it isn't known whom the component means.
//! - Where it doesn't, an applicant's record stands as long as nobody else who was named has such
//!   a paper, too. Another's record alone is for a person to look at.
//! - A record that two components ask for, which aren't alternatives of each other, stands for
//!   neither: a person says which. One that isn't asked for by the answers given takes part no
//!   more. So no record ever stands for two of them.

use std::collections::BTreeSet;

use schemas::api::Party;
use schemas::catalogue::{Component, SubmitMode, Whose};
use schemas::record::{Owner, Record};
use schemas::subject::Subject;

use super::{Desk, Standing, Worth, are_peers};

impl Desk<'_> {
    /// What a record is worth once it is asked whether it is the paper that the component means.
    /// `parties` are those whose records could stand for it.
    pub(super) fn told_apart<'r>(
        &self,
        component: &Component,
        worth: Worth<'r>,
        parties: &BTreeSet<Party>,
    ) -> Worth<'r> {
        let Worth::Stands(Standing { record, paper, .. }) = &worth else { return worth };
        // For what is only shown no record is used up.
        if component.submit == SubmitMode::PresentOnly {
            return worth;
        }
        let is_known_whose = match component.whose {
            Some(Whose::Applicant) => true,
            Some(Whose::Other) => self.situation.people.others.len() == 1,
            None => parties.iter().all(|party| *party == Party::Applicant),
        };
        if !is_known_whose {
            let why = "nhưng không rõ thành phần này cần giấy của ai; cán bộ cần xác nhận.";
            return Worth::Doubtful(format!("Có {paper} {why}"));
        }
        match self.rival(component, record) {
            None => worth,
            Some(rival) => Worth::Doubtful(format!(
                "Có {paper} nhưng không rõ là cho thành phần này hay cho «{}»; cán bộ cần xác nhận.",
                rival.name.trim_end_matches(['.', ';', ',', ' '])
            )),
        }
    }

    /// Another component that asks for the record, too, and isn't an alternative. Whether the
    /// record holds good for that one tells nothing of whose paper it asks for.
    fn rival(&self, component: &Component, record: &Record) -> Option<&Component> {
        self.asked.iter().copied().find(|other| {
            other.id != component.id
                && !are_peers(component, other)
                && other.submit == SubmitMode::Submit
                && !self.is_ruled_out(other)
                && self.is_mapped(record, other)
                && self.owner(record, other.whose).is_some()
        })
    }

    /// Those of the people whose paper a component may ask for.
    pub(super) fn meant(&self, whose: Option<Whose>) -> impl Iterator<Item = (Party, &Subject)> {
        let parties = std::iter::once(Party::Applicant).chain((0..).map(Party::Other));
        parties.zip(self.situation.people.all()).filter(move |(party, _)| match whose {
            Some(Whose::Applicant) => *party == Party::Applicant,
            Some(Whose::Other) => *party != Party::Applicant,
            None => true,
        })
    }

    /// The first of them who is among the record's owners.
    pub(super) fn owner<'r>(
        &self,
        record: &'r Record,
        whose: Option<Whose>,
    ) -> Option<(Party, &Subject, &'r Owner)> {
        self.meant(whose).find_map(|(party, person)| {
            let owner = record.owners.iter().find(|owner| owner.subject.agrees(person))?;
            Some((party, person, owner))
        })
    }

    /// Whose, where there are several people. Whoever asks named them.
    pub(super) fn of(&self, person: &Subject) -> Option<String> {
        let name = person.name().reveal();
        (!self.situation.people.others.is_empty()).then(|| format!(" của {name}"))
    }
}
