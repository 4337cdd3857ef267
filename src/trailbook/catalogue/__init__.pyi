from .check import (
    catalogue_faults as catalogue_faults,
)
from .declared import (
    ANY as ANY,
)
from .declared import (
    PARTS as PARTS,
)
from .declared import (
    RETENTIONS as RETENTIONS,
)
from .declared import (
    VERBS as VERBS,
)
from .declared import (
    Action as Action,
)
from .declared import (
    Catalogue as Catalogue,
)
from .declared import (
    Category as Category,
)
from .declared import (
    ItemType as ItemType,
)
from .declared import (
    OnFailure as OnFailure,
)
from .declared import (
    Rule as Rule,
)
from .declared import (
    fill as fill,
)
from .declared import (
    link_fault as link_fault,
)
from .reading import (
    load as load,
)
from .sentences import (
    Named as Named,
)
from .sentences import (
    SentencePiece as SentencePiece,
)
from .sentences import (
    Spoken as Spoken,
)
from .sentences import (
    sample_sentences as sample_sentences,
)
from .sentences import (
    says_count as says_count,
)
from .sentences import (
    sentence_pieces as sentence_pieces,
)
from .words import (
    ActionWords as ActionWords,
)
from .words import (
    Language as Language,
)
from .words import (
    TypeWords as TypeWords,
)
from .words import (
    cut as cut,
)
from .words import (
    plural as plural,
)
from .words import (
    slots as slots,
)
from .words import (
    templates as templates,
)
