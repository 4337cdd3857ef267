"""What the built-in files declare, against the list of the design written out again here."""

import re

import pytest

from trailbook.catalogue import load

CRUD = "{created, updated, deleted}"
DESIGNED = {
    "users": """
        user.{created, invited, invite_resent, invite_revoked, activated, deactivated, reactivated, archived}
        user.{restored, deleted, anonymised, merged, profile_updated, email_changed, photo_changed}
        user.{sensitive_field_updated, supervisor_changed, position_changed, employment_type_changed}
        user.{start_date_changed, termination_scheduled, termination_cancelled, terminated}
        user_field.crud emergency_contact.{added, updated, removed} dependant.{added, updated, removed}""",
    "security": """
        user.{signed_in, sign_in_failed, signed_out, locked, unlocked, password_changed, password_reset}
        user.{impersonation_started, impersonation_ended} mfa_factor.{enrolled, removed}
        api_key.{created, rotated, categories_changed, revoked} session.{revoked}
        sso_connection.{created, updated, enabled, disabled}""",
    "roles": """
        role.{created, updated, renamed, deleted, assigned, unassigned, scope_changed, default_changed}
        role_request.{submitted, approved, rejected}""",
    "permissions": """
        role.{permission_granted, permission_revoked, access_level_changed} permission.{granted, revoked}
        permission_set.crud field_visibility.{changed} access.{denied}""",
    "integrations": """
        integration.{connected, disconnected, configured, mapping_changed, enabled, disabled, credential_rotated}
        integration.{credential_expired, sync_started, sync_completed, sync_failed, user_sent, user_received}
        integration.{conflict_resolved} webhook.{created, updated, deleted, delivery_failed, disabled}""",
    "competence": """
        competence_type.crud gap_profile.crud gap_profile.{assigned}
        competence.{added, updated, verified, rejected, removed, document_added, expiry_announced, expired, renewed}""",
    "absence": """
        absence.{requested, registered, updated, approved, rejected, approval_withdrawn, cancelled, deleted}
        absence.{grade_changed, note_added, overlap_replaced} absence_type.{enabled, disabled, updated}
        absence_policy.crud absence_policy.{assigned, unassigned} absence_balance.{adjusted, carried_over, expired}
        work_schedule.crud work_schedule.{assigned} sick_leave_follow_up.{started, step_completed, closed}""",
    "salary": """
        salary.{added, updated, scheduled, approved, rejected, deleted, viewed} pay_component.crud
        pay_component.{assigned} pay_grade.crud payroll_run.{started, approved, reopened, exported, paid}
        payslip.{published, withdrawn} bank_account.{changed}""",
    "groups": " ".join(
        f"""{entity}.{{created, updated, renamed, archived, deleted, member_added, member_removed, leader_added}}
        {entity}.{{leader_removed, moved}}"""
        for entity in ("team", "location", "department", "cost_centre", "legal_entity")
    )
    + " org_chart.{updated}",
    "training": """
        course.{created, updated, archived}
        enrolment.{assigned, started, completed, failed, cancelled, due_date_changed}""",
    "time": """
        timesheet.{submitted, approved, rejected, reopened} clock_entry.{added, corrected, deleted}
        shift.{assigned, swapped, cancelled}""",
    "benefits": "benefit.{enrolled, changed, ended}",
    "expenses": "expense.{submitted, approved, rejected, paid, deleted}",
    "documents": """
        document.{uploaded, updated, moved, access_changed, downloaded, shared, deleted, restored}
        signature_request.{sent, viewed, signed, declined, expired, voided} document_template.crud
        handbook_page.{published, updated, unpublished, acknowledged}""",
    "onboarding": """
        onboarding.{started, updated, cancelled, completed, deleted}
        offboarding.{started, updated, cancelled, completed, deleted}
        process.{started, updated, cancelled, completed, deleted}
        task.{created, assigned, due_date_changed, completed, reopened, deleted}
        process_template.{created, updated, duplicated, deleted}""",
    "performance": """
        review_cycle.{created, launched, closed}
        review.{assigned, submitted, shared, acknowledged, reopened, deleted}
        conversation.{scheduled, held, signed_off, cancelled} goal.{created, updated, completed, deleted}
        feedback.{given, deleted}""",
    "surveys": """
        survey.{created, launched, reminder_sent, closed, results_shared, deleted, audience_changed}
        survey.{anonymity_changed}""",
    "assets": "asset.{created, updated, assigned, returned, lost, retired, deleted} asset_type.crud",
    "recruiting": """
        job.{created, published, closed} candidate.{added, stage_changed, rejected, hired, anonymised}
        offer.{sent, accepted, declined}""",
    "whistleblowing": "case.{opened, assigned, status_changed, closed}",
    "settings": """
        setting.{updated} organisation.{updated} module.{enabled, disabled}
        workflow.{created, updated, enabled, disabled, run_failed} notification_rule.crud
        retention_policy.{changed}""",
    "transfers": """
        import.{started, completed, rolled_back} export.{requested, completed, downloaded}
        report.{created, run, scheduled, shared} subject_request.{opened, fulfilled}""",
    "activity_log": """
        activity_log.{viewed, searched, exported, proof_downloaded, archived, verified, verification_failed, pruned}
        activity_log.{hold_placed, hold_released, erasure_requested, erased, identity_disclosed, key_rotated}
        activity_log.{settings_changed, access_changed, capture_started, capture_stopped, capture_gap_found}
        activity_log.{restarted, begun, suspended, resumed, clock_adjusted}
        stream.{created, updated, paused, resumed, failed, deleted}
        archive.{created, restored} saved_view.crud""",
}


def expanded(shorthand: str) -> set[str]:
    families = re.findall(r"([a-z_]+)\.\{([^}]*)\}", shorthand.replace(".crud", "." + CRUD))
    return {f"{entity}.{verb.strip()}" for entity, verbs in families for verb in verbs.split(",")}


@pytest.mark.parametrize("category", DESIGNED)
def test_every_designed_action_and_no_other_is_declared(category: str) -> None:
    declared = {a.name for a in load().actions.values() if a.category == category}
    assert declared == expanded(DESIGNED[category])


def test_no_category_is_left_out() -> None:
    assert load().categories.keys() == DESIGNED.keys()
    assert len(load().actions) == sum(len(expanded(text)) for text in DESIGNED.values()) == 395


def test_defaults_of_the_categories() -> None:
    categories = load().categories.values()
    assert {c.name for c in categories if c.sensitive} == {
        *("absence", "salary", "time", "benefits", "documents", "performance", "surveys", "whistleblowing"),
    }
    assert {c.name for c in categories if c.restricted} == {"whistleblowing"}
    assert {c.name for c in categories if c.seed} == {
        *("users", "roles", "permissions", "integrations", "competence", "absence", "salary", "activity_log"),
    }
    extended = {"roles", "permissions", "salary", "settings", "transfers", "activity_log"}
    kept = {name: "extended" if name in extended else "standard" for name in DESIGNED} | {
        "recruiting": "brief"
    }
    assert {c.name: c.retention for c in categories} == kept


def test_what_explains_the_log_is_kept_as_long_as_the_log() -> None:
    permanent = {a.name for a in load().actions.values() if a.retention == "permanent"}
    facts = ("pruned", "erased", "restarted", "hold_placed", "hold_released", "key_rotated")
    assert permanent == {f"activity_log.{fact}" for fact in facts}


REFUSING = ("roles", "permissions", "salary", "absence", "activity_log")


def test_what_happens_when_an_entry_cannot_be_written() -> None:
    """The table of defaults."""
    for action in load().actions.values():
        entity = action.name.partition(".")[0]
        refuses = (
            action.category in REFUSING
            or entity in ("api_key", "sso_connection", "mfa_factor")
            or action.name.startswith("user.impersonation_")
            or action.verb == "deleted"
            or action.name.endswith(".anonymised")
        ) and action.name not in ("activity_log.viewed", "activity_log.searched")
        assert action.on_failure == ("refuse" if refuses else "spool"), action.name


UNNAMED = {
    *("employment", "dependant", "emergency_contact", "session", "mfa_factor", "role_request"),
    *("absence", "absence_balance", "sick_leave_follow_up", "salary", "payslip", "bank_account"),
    *(
        "enrolment",
        "timesheet",
        "clock_entry",
        "shift",
        "benefit",
        "expense",
        "document",
        "signature_request",
    ),
    *("onboarding", "offboarding", "review", "conversation", "goal", "feedback", "offer", "subject_request"),
}
FACTS = {"access", "removal", "key", "checkpoint", "erasure", "search"}
NOBODYS = {"case"}  # about nobody, ever: whoever reported or is reported must not be found by it


def test_unnamed_types_are_personal_and_facts_are_nobodys() -> None:
    types = load().types.values()
    assert {t.name for t in types if not t.named} == UNNAMED | FACTS | NOBODYS
    assert {t.name for t in types if t.personal} == UNNAMED
    assert {t.name for t in types if t.person} == {"user", "candidate", "dependant", "emergency_contact"}


def test_a_personal_target_always_says_whose_it_is() -> None:
    """Erasing a person takes what they own along: the owner of a personal item must be known."""
    catalogue = load()
    for action in catalogue.actions.values():
        if any(t in UNNAMED for t in action.target):
            whose = {rule.part for rule in action.concerns if rule.least}
            assert whose & {"owner", "requester", "participant", "subject", "candidate"}, action.name


def test_what_is_about_nobody_names_nobody() -> None:
    """A survey's answers and a whistleblower's case lead to no person."""
    for action in load().actions.values():
        if action.category in ("surveys", "whistleblowing"):
            assert action.concerns == (), action.name


def test_a_person_as_target_is_the_subject_without_being_given() -> None:
    for action in load().actions.values():
        assert ("subject" in action.filled) == (action.target == ("user",)), action.name


def test_types_of_sensitive_categories_have_an_id_pattern() -> None:
    catalogue = load()
    sensitive = [t for t in catalogue.types.values() if catalogue.categories[t.category].sensitive]
    assert sensitive
    assert [t.name for t in sensitive if t.id is None] == []
