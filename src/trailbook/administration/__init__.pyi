from .access import (
    AccessState as AccessState,
    By as By,
    access_of as access_of,
    add_role as add_role,
    change_role as change_role,
    disable_member as disable_member,
    find_member as find_member,
    put_member as put_member,
    remove_member as remove_member,
    remove_role as remove_role,
    role_of as role_of,
    who_may as who_may,
    withhold as withhold,
)
from .accounts import (
    INVITATION_LIFE as INVITATION_LIFE,
    RESET_LIFE as RESET_LIFE,
    SignIn as SignIn,
    begin_sign_in as begin_sign_in,
    invite as invite,
    password_name as password_name,
    reset_password as reset_password,
    set_password as set_password,
    sign_in as sign_in,
    sign_out as sign_out,
    signed_in_by_link as signed_in_by_link,
)
from .api_keys import (
    issue_key as issue_key,
    list_keys as list_keys,
    restrict_key as restrict_key,
    revoke_key as revoke_key,
    rotate_key as rotate_key,
)
from .erasure import (
    REMAINS as REMAINS,
    ErasedPerson as ErasedPerson,
    Remaining as Remaining,
    Went as Went,
    erase_person as erase_person,
)
from .organisations import (
    add_organisation as add_organisation,
    list_organisations as list_organisations,
    resume_organisation as resume_organisation,
    suspend_organisation as suspend_organisation,
)
from .ready_views import (
    READY_VIEWS as READY_VIEWS,
    REVIEW_VIEWS as REVIEW_VIEWS,
    ready_view as ready_view,
)
from .views import (
    LONGEST_NAME as LONGEST_NAME,
    NewView as NewView,
    ViewerView as ViewerView,
    add_view as add_view,
    as_seen as as_seen,
    change_view as change_view,
    choose_view as choose_view,
    count_new as count_new,
    default_view as default_view,
    find_view as find_view,
    list_views as list_views,
    mark_seen as mark_seen,
    remove_view as remove_view,
    view_choices as view_choices,
    view_names as view_names,
)
from .working_hours import (
    set_working_hours as set_working_hours,
)
