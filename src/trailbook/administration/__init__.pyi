from .access import (
    AccessState as AccessState,
)
from .access import (
    By as By,
)
from .access import (
    access_of as access_of,
)
from .access import (
    add_role as add_role,
)
from .access import (
    change_role as change_role,
)
from .access import (
    disable_member as disable_member,
)
from .access import (
    find_member as find_member,
)
from .access import (
    put_member as put_member,
)
from .access import (
    remove_member as remove_member,
)
from .access import (
    remove_role as remove_role,
)
from .access import (
    role_of as role_of,
)
from .access import (
    withhold as withhold,
)
from .accounts import (
    INVITATION_LIFE as INVITATION_LIFE,
)
from .accounts import (
    RESET_LIFE as RESET_LIFE,
)
from .accounts import (
    SignIn as SignIn,
)
from .accounts import (
    invite as invite,
)
from .accounts import (
    password_name as password_name,
)
from .accounts import (
    reset_password as reset_password,
)
from .accounts import (
    set_password as set_password,
)
from .accounts import (
    sign_in as sign_in,
)
from .accounts import (
    sign_out as sign_out,
)
from .accounts import (
    signed_in_by_link as signed_in_by_link,
)
from .api_keys import (
    issue_key as issue_key,
)
from .api_keys import (
    list_keys as list_keys,
)
from .api_keys import (
    restrict_key as restrict_key,
)
from .api_keys import (
    revoke_key as revoke_key,
)
from .api_keys import (
    rotate_key as rotate_key,
)
from .organisations import (
    add_organisation as add_organisation,
)
from .organisations import (
    list_organisations as list_organisations,
)
from .organisations import (
    resume_organisation as resume_organisation,
)
from .organisations import (
    suspend_organisation as suspend_organisation,
)
from .ready_views import (
    READY_VIEWS as READY_VIEWS,
)
from .ready_views import (
    REVIEW_VIEWS as REVIEW_VIEWS,
)
from .ready_views import (
    ready_view as ready_view,
)
from .views import (
    LONGEST as LONGEST,
)
from .views import (
    NewView as NewView,
)
from .views import (
    ViewerView as ViewerView,
)
from .views import (
    add_view as add_view,
)
from .views import (
    change_view as change_view,
)
from .views import (
    choose_view as choose_view,
)
from .views import (
    count_new as count_new,
)
from .views import (
    default_view as default_view,
)
from .views import (
    find_view as find_view,
)
from .views import (
    list_views as list_views,
)
from .views import (
    mark_seen as mark_seen,
)
from .views import (
    remove_view as remove_view,
)
from .views import (
    view_choices as view_choices,
)
from .views import (
    view_names as view_names,
)
