"""Texts of simulated posts: sentences from word lists, so that a text tells its topic and its theme.

A post's theme goes with how much it is viewed (see `world.make_posts`), as similar texts have similar readers.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

RUSSIAN_SHARE = 0.03
LONGEST = 25_392
COPIES = 99 / 7_023  # posts that repeat the text of an earlier one
EXCERPT = 300  # characters at most in a catalogue much larger than the original

# Per topic: median length in characters, sigma of its log, shortest.
LENGTHS = {
    "business": (1_880, 0.38, 840), "entertainment": (1_630, 0.42, 820), "politics": (2_620, 0.45, 500),
    "sport": (1_660, 0.48, 500), "tech": (2_700, 0.45, 900), "covid": (139, 0.0, 44), "movie": (975, 0.66, 60),
}

# Per topic, six themes of nouns; the last themes are those of the most viewed posts.
THEMES = {
    "business": (
        "oil,barrel,pipeline,refinery,crude,drilling,gas,fuel,opec,rig",
        "airline,carrier,fleet,aircraft,bankruptcy,passenger,ticket,airport,cargo,jet",
        "budget,deficit,dollar,euro,currency,treasury,inflation,economist,growth,export",
        "bank,merger,takeover,shareholder,bid,stake,board,regulator,lender,auditor",
        "retailer,store,shopper,christmas,supermarket,brand,price,discount,sales,consumer",
        "carmaker,factory,plant,union,worker,pension,wage,strike,steel,engine",
    ),
    "entertainment": (
        "gallery,painting,museum,sculpture,auction,exhibition,artist,canvas,collector,portrait",
        "theatre,stage,musical,actor,play,audience,opera,premiere,curtain,dancer",
        "novel,author,publisher,reader,poet,chapter,library,bookshop,prize,manuscript",
        "album,band,guitar,singer,chart,tour,concert,single,drummer,label",
        "television,series,episode,broadcaster,sitcom,viewer,channel,host,comedy,schedule",
        "oscar,nominee,award,ceremony,red carpet,director,actress,film,box office,studio",
    ),
    "politics": (
        "council,mayor,village,parish,road,planning,resident,local tax,bus,recycling",
        "school,teacher,pupil,university,fees,exam,classroom,lecturer,degree,grant",
        "asylum,border,visa,migrant,passport,detention,refugee,identity card,police,terror",
        "hospital,nurse,patient,waiting list,doctor,surgery,clinic,health,trust,ward",
        "election,poll,voter,campaign,manifesto,candidate,ballot,turnout,constituency,majority",
        "minister,parliament,chancellor,cabinet,opposition,leader,speech,reform,tax,lords",
    ),
    "sport": (
        "cyclist,stage,helmet,sprint,saddle,peloton,mountain,wheel,gear,tour",
        "athlete,marathon,sprinter,medal,relay,track,doping,hurdle,javelin,olympics",
        "tennis,serve,racket,set,court,seed,volley,backhand,umpire,final",
        "rugby,scrum,lineout,try,flanker,prop,kick,penalty,wing,tackle",
        "goal,striker,midfielder,keeper,league,manager,club,transfer,defender,cup",
        "cricket,wicket,bowler,batsman,innings,over,pitch,test,captain,series",
    ),
    "tech": (
        "printer,cartridge,paper,scanner,toner,cable,office,driver,port,tray",
        "satellite,orbit,probe,telescope,rocket,sensor,antenna,signal,mission,lab",
        "virus,spam,hacker,password,worm,firewall,patch,attack,inbox,fraud",
        "broadband,router,network,download,server,provider,bandwidth,connection,wireless,modem",
        "console,game,gamer,controller,graphics,level,studio,player,online,handheld",
        "mobile,handset,camera,screen,battery,ringtone,operator,keypad,message,app",
    ),
    "covid": (
        "antibody,trial,dose,vaccine,study,immunity,researcher,protein,placebo,lab",
        "school,reopening,teacher,parent,pupil,classroom,remote lesson,term,exam,bus",
        "airport,flight,border,quarantine,traveller,passport,tourist,cruise,hotel,ban",
        "testing,swab,result,clinic,queue,kit,tracing,app,contact,cluster",
        "mask,distancing,sanitizer,rule,shop,crowd,glove,face shield,beach,party",
        "cases,deaths,recovered,total,toll,record,daily,wave,hospital,lockdown",
    ),
    "movie": (
        "western,sheriff,horse,desert,outlaw,revolver,saloon,ranch,gunfight,frontier",
        "war,soldier,trench,general,battle,submarine,pilot,officer,medal,enemy",
        "documentary,archive,interview,narrator,footage,subject,history,witness,nature,camera",
        "romance,wedding,couple,kiss,heartbreak,letter,summer,paris,chemistry,jealousy",
        "horror,ghost,zombie,scream,vampire,blood,cellar,monster,slasher,nightmare",
        "hero,spaceship,robot,villain,explosion,alien,chase,superpower,laser,galaxy",
    ),
}
COMMON = {
    "business": "company,market,investor,profit,share,analyst,firm,quarter,economy,chief executive",
    "entertainment": "star,fan,critic,show,career,performance,culture,celebrity,spokesman,festival",
    "politics": "government,party,labour,tory,policy,mp,spokesman,bill,public,vote",
    "sport": "match,coach,team,season,injury,win,champion,fitness,side,squad",
    "tech": "computer,software,internet,user,device,technology,firm,digital,data,web",
    "covid": "covid,coronavirus,pandemic,virus,health,country,minister,people,week,news",
    "movie": "film,plot,scene,acting,character,script,ending,director,story,cast",
}
ADJECTIVES = (
    "new,strong,brave,latest,difficult,serious,public,recent,major,small,"
    "bright,familiar,careful,second,former,weak,long,final,quiet,sharp"
)
VERBS = (
    "changed,followed,surprised,needed,lost,found,helped,saved,"
    "ignored,expected,carried,defended,replaced,watched,divided,improved"
)
NAMES = (
    "Brown,Adams,Clarke,Novak,Silva,Chen,Murphy,Khan,Olsen,"
    "Petrov,Garcia,Wright,Meyer,Rossi,Kumar,Walker,Tanaka,Evans"
)
TEMPLATES = {
    "news": (
        "The {adjective} {theme} {verb} the {common} after {number} days.",
        "{name} said the {theme} and the {other} would remain {adjective}.",
        "According to {name}, every {common} {verb} a {adjective} {theme}.",
        "About {number} of the {other} figures came from the {common}.",
        "\"We have to look at the {theme} again,\" {name} told reporters.",
        "In spite of the {other}, the {common} is still {adjective}.",
        "It was the {adjective} {theme} that {verb} the {common} last year.",
        "{name} and {name2} agreed that no {theme} {verb} the {other}.",
        "The {common} may grow by {number}% if the {theme} holds.",
    ),
    "tweet": (
        "{number} {theme} today, the {common} is {adjective} #covid19",
        "#COVID19 update: {theme} and {other}, {number} new in our city",
        "The {adjective} {theme} {verb} the {common}. Stay safe #StayHome",
        "{name}: no {theme} without {other} #coronavirus",
        "Why is the {theme} still {adjective}? #pandemic", "Thread on {theme}, {other} and the {common} {link}",
        "{common} {number}: {theme} {verb} us all {link}",
    ),
    "review": (
        "I watched this {common} with a {adjective} {theme} and it {verb} me.",
        "The {theme} is {adjective}, but the {common} never {verb} the {other}.",
        "{name} plays the {theme} as if the {common} had been written in {number} minutes.",
        "What {verb} me most was the {adjective} {other}.",
        "If you like a {theme}, this {common} is for you.",
        "I would give the {common} {number} out of 100 for the {other} alone.",
        "There is a {adjective} {theme} in every {common} here.",
        "Compared with other films, the {theme} {verb} nobody and the {other} is {adjective}.",
    ),
}
RUSSIAN = {
    "business": "рынок,компания,прибыль,акция,банк,экспорт,бюджет",
    "entertainment": "концерт,альбом,актёр,выставка,сериал,премия,театр",
    "politics": "министр,парламент,выборы,закон,партия,реформа,налог",
    "sport": "матч,гол,тренер,чемпион,сезон,команда,медаль",
    "tech": "телефон,сервер,интернет,вирус,игра,экран,программа",
    "covid": "вакцина,маска,карантин,больница,тест,случай,прививка",
    "movie": "фильм,сцена,сюжет,герой,режиссёр,финал,сценарий",
}
RUSSIAN_TEMPLATES = (
    "Сегодня {theme} снова обсуждают все: {other} меняется каждый день.",
    "По словам эксперта, {theme} и {other} связаны теснее, чем кажется.",
    "За {number} дней {theme} стал главной темой недели.", "Мне кажется, что {theme} важнее, чем {other}.",
    "Никто не ждал, что {other} так повлияет на нас.",
    "Вчера вышла новость: {theme}, {other} и ещё {number} причин для споров.",
)


def draw_lengths(topic: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw text lengths in characters; a few texts are several times longer than the rest."""
    median, sigma, shortest = LENGTHS[topic]
    if topic == "covid":  # a tweet is cut at 140, and most people use them up
        return np.where(rng.random(count) < 0.75, rng.integers(134, 146, count), rng.integers(shortest, 134, count))
    length = median * np.exp(sigma * rng.standard_normal(count))
    length *= np.where(rng.random(count) < 0.002, rng.uniform(4, 10, count), 1)
    return length.clip(shortest, LONGEST).astype(int)


class _Words:
    """An endless shuffled supply of indices: one call to the generator gives thousands."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self.supply: Iterator[int] = iter(())

    def __call__(self, count: int) -> int:
        for value in self.supply:
            return value % count
        self.supply = iter(self.rng.integers(0, 1 << 30, 65_536).tolist())
        return self(count)

    def of(self, words: Sequence[str]) -> str:
        return words[self(len(words))]


def _sentences(topic: str, theme: int, is_russian: bool, draw: _Words, words: dict[str, list[str]]) -> Iterator[str]:
    """Yield readable sentences without end."""
    if is_russian:
        nouns = words["russian " + topic]
        while True:
            yield draw.of(RUSSIAN_TEMPLATES).format(theme=draw.of(nouns), other=draw.of(nouns), number=2 + draw(97))
    nouns, common = words[f"{topic} {theme}"], words["common " + topic]
    templates = TEMPLATES[{"covid": "tweet", "movie": "review"}.get(topic, "news")]
    while True:
        sentence = draw.of(templates).format(
            theme=draw.of(nouns), other=draw.of(nouns), common=draw.of(common), number=2 + draw(97),
            adjective=draw.of(words["adjectives"]), verb=draw.of(words["verbs"]),
            name=draw.of(words["names"]), name2=draw.of(words["names"]), link=f"https://t.co/{draw(1 << 30):x}",
        )
        yield sentence[0].upper() + sentence[1:]


def make_texts(topics: list[str], themes: list[int], seed: int) -> Iterator[str]:
    """Yield the text of each post: realistic lengths, no two alike but for the share COPIES.

    Catalogues of more than 20,000 posts get excerpts only.
    """
    rng = np.random.default_rng([seed, 5])
    draw = _Words(rng)
    words = {"adjectives": ADJECTIVES.split(","), "verbs": VERBS.split(","), "names": NAMES.split(",")}
    for topic in THEMES:
        words |= {f"{topic} {theme}": nouns.split(",") for theme, nouns in enumerate(THEMES[topic])}
        words |= {"common " + topic: COMMON[topic].split(","), "russian " + topic: RUSSIAN[topic].split(",")}
    lengths = np.empty(len(topics), int)
    names = np.array(topics)
    for topic in THEMES:
        lengths[names == topic] = draw_lengths(topic, (names == topic).sum(), rng)
    lengths[lengths.argmax()] = LONGEST
    if len(topics) > 20_000:
        lengths = lengths.clip(max=EXCERPT)
    is_russian = rng.random(len(topics)) < RUSSIAN_SHARE
    copies = np.zeros(len(topics), bool)
    copies[rng.choice(len(topics), round(COPIES * len(topics)), replace=False)] = True
    seen: set[str] = set()
    previous: dict[str, str] = {}
    for topic, theme, length, russian, copy in zip(
        topics, themes, lengths.tolist(), is_russian.tolist(), copies.tolist(), strict=True
    ):
        if copy and topic in previous:
            yield previous[topic]
            continue
        text = _write(_sentences(topic, theme, russian, draw, words), length)
        while text in seen:
            text = _write(_sentences(topic, theme, russian, draw, words), length + 1 + draw(20))
        seen.add(text)
        previous[topic] = text
        yield text


def _write(sentences: Iterator[str], length: int) -> str:
    """Join sentences to a text of about the length: the last one is cut between words, as feeds do."""
    parts, size = [], -1
    while size < length:
        parts.append(next(sentences))
        size += len(parts[-1]) + 1
    paragraphs = [*range(0, len(parts), 5), len(parts)]
    text = "\n\n".join(" ".join(parts[start:end]) for start, end in pairwise(paragraphs))
    if len(text) <= length + 2:
        return text
    text = text[: max(length, 1)]
    return text[: text.rindex(" ", 29)] + "…" if " " in text[29:] else text
