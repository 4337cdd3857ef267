from .about import (
    about_page as about_page,
)
from .activity import (
    activity_page as activity_page,
    total_part as total_part,
)
from .bars import (
    bars_page as bars_page,
)
from .closed_bundle import (
    closed_bundle_page as closed_bundle_page,
    order_closed_bundle as order_closed_bundle,
)
from .entry import (
    entry_page as entry_page,
)
from .exports import (
    exports_page as exports_page,
)
from .item import (
    item_page as item_page,
)
from .languages import (
    choose_language as choose_language,
)
from .overview import (
    overview_page as overview_page,
)
from .settings import (
    change_settings as change_settings,
    settings_home as settings_home,
    settings_page as settings_page,
)
from .sign_in import (
    nowhere as nowhere,
    password_page as password_page,
    problem_page as problem_page,
    refusal as refusal,
    set_password_by_form as set_password_by_form,
    sign_in_by_form as sign_in_by_form,
    sign_in_page as sign_in_page,
    sign_out_by_form as sign_out_by_form,
    start as start,
)
from .suggest import (
    suggestions as suggestions,
)
from .trust import (
    begin_verifying as begin_verifying,
    trust_page as trust_page,
)
from .values import (
    values_page as values_page,
)
from .views import (
    change_views as change_views,
    new_in_views as new_in_views,
    open_view as open_view,
    views_page as views_page,
)
