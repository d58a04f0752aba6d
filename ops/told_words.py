"""The words that sentences about bad input are made of, here and in the libraries that read it."""

from typing import Final

_WORDS: Final = """
--scratch a above absent access actor address again age_years all allowed already also an and
announces another any archive are argument as ascii asked at attempt attempts audio back bad base
batch be because before begin begins belongs below beside between beyond bits bound bounds bucket
but by byte bytes called came can can't cannot care_unit cells changed changes channel channels
characters check class closed cluster code codec column columns come commit committed connect
connection contains content could count counter credentials csv cut data dataset day days
de-identification de-identified dead decode delta denied device died differ digit digits directory
disk do does dtype duplicate during each empty end ended endpoint ends errno error escape exceeded
exist exists exit expected failed fast few fewer file file's files find finish finishing first fit
fits flac folder folders followed for format formats forms found frame frames free from full gain
gave get gets give given goes gone good got gpu gpus grade grader gzip had has have header header's
headers heart high hold holds hour hours how hz in incorrect infinite infinity ingest input inside
internal invalid is it its itself key killed kind known lacks lake lake's large last leads least
leave left length less let letters lie lies limit line lines link links listed lists load local long
longer look looked lost low machine made make many match may mean memory missing mode model modified
more most moved much multiple must name named names nan need needs negative neither new next night
no node none nor not nothing number numbered numbers numerics object of off offset offsets often on
once one only open opened opening option or order oserror other out outside over own packed parquet
parse parsed part password past path per permission place plan planned please positive printed
process processes protocol pulse quota race range rate ray reach reached read reader readers reading
reads reason recognised recognized record record's records reduce refused replaced request requested
reset resource response rest retries retry room row run same sample samples sampling satisfiable say
scratch second seconds see seen segment segments server service several sex shape short signal
signal's signals since single size skew skin_tone slow slowdown so some source space start starts
status stays step still stored stream subject subject_id subjects such supported system table take
taken task text than that the their them there these they this time timed timeout times to too took
transform truncated try twice two type under unexpected unexpectedly unit unknown unpack unpacks
unreachable unsupported up upload url use used user utc vacuum valid value values version wait
waited waits was were wfdb what when where which while whose will window windows with withdrawn
within without word work worked worker worker's workers would write written wrong yet zero zeros
zlib
"""
TOLD_WORDS: Final = frozenset(_WORDS.split())
