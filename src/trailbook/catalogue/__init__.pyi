from .check import (
    catalogue_faults as catalogue_faults,
)
from .declared import (
    ANY as ANY,
    PARTS as PARTS,
    RETENTIONS as RETENTIONS,
    TYPED_PARTS as TYPED_PARTS,
    VERBS as VERBS,
    Action as Action,
    Catalogue as Catalogue,
    Category as Category,
    ItemType as ItemType,
    OnFailure as OnFailure,
    Rule as Rule,
    fill as fill,
    link_fault as link_fault,
)
from .reading import (
    load as load,
)
from .samples import (
    sample_sentences as sample_sentences,
)
from .sentences import (
    Named as Named,
    SentencePiece as SentencePiece,
    Spoken as Spoken,
    leave_out as leave_out,
    says_count as says_count,
    sentence_pieces as sentence_pieces,
)
from .words import (
    ActionWords as ActionWords,
    Language as Language,
    TypeWords as TypeWords,
    cut as cut,
    plural as plural,
    slots as slots,
    templates as templates,
)
