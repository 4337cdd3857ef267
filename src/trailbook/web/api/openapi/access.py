"""Roles, members, keys, what is withheld and working hours, as the document describes them."""

from trailbook.query import WorkingHours
from trailbook.web.api.access import (
    InvitationSent,
    KeyList,
    KeySent,
    LinkAnswer,
    MemberAnswer,
    MemberList,
    MemberSent,
    NewKeyAnswer,
    RestrictedSent,
    RoleAnswer,
    RoleList,
    RoleSent,
    RotationSent,
    WithheldAnswer,
    WithheldSent,
    WorkingHoursSent,
)
from trailbook.web.api.openapi.shapes import ADMITTED, ORG, Answer, Operation, answer, ref
from trailbook.web.http.media import JSON

SHAPES = (
    *(RoleSent, RoleAnswer, RoleList, MemberSent, MemberAnswer, MemberList, InvitationSent, LinkAnswer),
    *(KeySent, NewKeyAnswer, KeyList, RotationSent, RestrictedSent, WithheldSent, WithheldAnswer),
    WorkingHours,
    WorkingHoursSent,
)
_CHANGE = (*ADMITTED, "cross-site", "access-moved", "storage-full")
_SENT = (*_CHANGE, "media-type", "invalid", "too-large", "overloaded")
_GUARDED = ("last-administrator", "role-predefined")
_GONE = Answer(says="Done.")


def caring() -> tuple[Operation, ...]:
    """Care of access: each change is an entry."""
    return (*_roles(), *_members(), *_keys(), *_withheld(), *_working_hours())


def _get(path: str, name: str, says: str, shape: str) -> Operation:
    return Operation(
        method="GET",
        path=f"{ORG}/{path}",
        name=name,
        says=says,
        scope="administer",
        answers={200: answer("What there is.", shape)},
        problems=ADMITTED,
    )


def _put(path: str, name: str, says: str, *, sends: str, answers: str) -> Operation:
    return Operation(
        method="PUT",
        path=f"{ORG}/{path}",
        name=name,
        says=says,
        scope="administer",
        sends={JSON: ref(sends)},
        answers={200: answer("As it is now.", answers)},
        problems=(*_SENT, *_GUARDED),
    )


def _post(path: str, name: str, says: str, *, sends: str | None, answers: str) -> Operation:
    made = Answer(says="Made.", forms={JSON: ref(answers)}, headers=("Location",) if path == "roles" else ())
    return Operation(
        method="POST",
        path=f"{ORG}/{path}",
        name=name,
        says=says,
        scope="administer",
        sends={} if sends is None else {JSON: ref(sends)},
        answers={201: made},
        problems=_SENT,
    )


def _delete(path: str, name: str, says: str) -> Operation:
    return Operation(
        method="DELETE",
        path=f"{ORG}/{path}",
        name=name,
        says=says,
        scope="administer",
        answers={204: _GONE},
        problems=(*_CHANGE, *_GUARDED),
    )


def _roles() -> tuple[Operation, ...]:
    return (
        _get("roles", "listRoles", "The roles", "RoleList"),
        _post("roles", "addRole", "Make a role", sends="RoleSent", answers="RoleAnswer"),
        _get("roles/{role}", "readRole", "One role", "RoleAnswer"),
        _put("roles/{role}", "changeRole", "Change a role", sends="RoleSent", answers="RoleAnswer"),
        _delete("roles/{role}", "removeRole", "Remove a role, also from whoever has it"),
    )


def _members() -> tuple[Operation, ...]:
    member = "members/{type}/{item}"
    return (
        _get("members", "listMembers", "The members", "MemberList"),
        _get(member, "readMember", "One member", "MemberAnswer"),
        _put(member, "putMember", "Give a person roles", sends="MemberSent", answers="MemberAnswer"),
        _delete(member, "removeMember", "Remove a member and their account"),
        _post(
            f"{member}/invitation",
            "invite",
            "Invite to an account",
            sends="InvitationSent",
            answers="LinkAnswer",
        ),
        _post(
            f"{member}/reset",
            "resetPassword",
            "Let a member set a new password",
            sends=None,
            answers="LinkAnswer",
        ),
    )


def _keys() -> tuple[Operation, ...]:
    return (
        _get("keys", "listApiKeys", "The API keys", "KeyList"),
        _post("keys", "issueApiKey", "Make an API key", sends="KeySent", answers="NewKeyAnswer"),
        _post(
            "keys/{key}/rotate",
            "rotateApiKey",
            "Replace its secret",
            sends="RotationSent",
            answers="NewKeyAnswer",
        ),
        _put(
            "keys/{key}/restricted",
            "restrictApiKey",
            "Name the restricted categories that an API key reads",
            sends="RestrictedSent",
            answers="KeyAnswer",
        ),
        _delete("keys/{key}", "revokeApiKey", "Revoke an API key"),
    )


def _withheld() -> tuple[Operation, ...]:
    return (
        _get("withheld", "readWithheld", "Categories that even full access does not show", "WithheldAnswer"),
        _put("withheld", "withhold", "Withhold categories", sends="WithheldSent", answers="WithheldAnswer"),
    )


def _working_hours() -> tuple[Operation, ...]:
    return (
        _get("working-hours", "readWorkingHours", "What the filter by hours goes by", "WorkingHours"),
        _put(
            "working-hours",
            "setWorkingHours",
            "Set working days and hours, night and weekend",
            sends="WorkingHoursSent",
            answers="WorkingHours",
        ),
    )
