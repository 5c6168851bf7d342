"""Which character encoding a text file is in: UTF-8, UTF-16, Big5 or GB18030.

Bytes of Big5 are nearly always valid GB18030, and often the other way round: validity says little.
What tells them apart is sense. Read in the wrong encoding, Chinese turns into characters that
nobody uses, so each reading is scored by how common its characters are. Six characters are enough
to be sure; of lone names made of rare characters one or two in a hundred are taken wrongly.
"""

from __future__ import annotations

import codecs
import io
from functools import cache
from itertools import islice

from flask_babel import lazy_gettext as _l

from app.core.tabular import TableError

# Python's codec and the name people know. "utf-8-sig" reads UTF-8 with and without BOM.
ENCODINGS = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp950": "Big5", "gb18030": "GB18030"}

UTF_16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE_LINES = 1000
_SAMPLE_BYTES = 64 * 1024
# Points per character, of 2: Chinese text reaches 1.2 and more, Western letters stay below 0.
_PLAUSIBLE = 0.5


def encoding_of(data: bytes) -> str:
    """Return the codec (a key of ``ENCODINGS``) in which the whole of ``data`` is text.

    Raises ``TableError`` if it is none of them, or a few bytes do not belong to the likeliest one.
    """
    if data.startswith(UTF_16_BOMS):
        codec = "utf-16"
    elif data.startswith(codecs.BOM_UTF8) or _is_text(data, "utf-8-sig"):
        codec = "utf-8-sig"
    else:
        codec = _likeliest(data)
    check_encoding(data, codec)
    return codec


def check_encoding(data: bytes, codec: str) -> None:
    """Raise ``TableError``, naming the line, unless all of ``data`` is text in the codec."""
    try:
        data.decode(codec)
    except UnicodeDecodeError as error:
        message = _l(
            "Line %(line)s holds characters that are not %(encoding)s text. "
            "Save the file as “CSV UTF-8” and choose it again.",
            line=data[: error.start].decode(codec).count("\n") + 1,
            encoding=ENCODINGS[codec],
        )
        raise TableError(message) from error


def _is_text(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(data: bytes) -> str:
    lines = (line for line in io.BytesIO(data) if not line.isascii())
    sample = b"".join(islice(lines, _SAMPLE_LINES))[:_SAMPLE_BYTES]
    scores = {codec: _sense(sample.decode(codec, "replace"), usual) for codec, usual in _usual().items()}
    best = max(scores, key=scores.__getitem__)
    if scores[best] < _PLAUSIBLE:
        raise TableError(_l("The characters of this file cannot be read. Save it as “CSV UTF-8” and choose it."))
    return best


def _sense(text: str, usual: frozenset[str]) -> float:
    """Return 2 to -2: how much the characters beyond ASCII look like Chinese that someone wrote."""
    foreign = [character for character in text if not character.isascii()]
    points = sum(
        2 * (character in _COMMON) or 1 * (character in usual) or -2 * (not "\u4e00" <= character <= "\u9fff")
        for character in foreign
    )
    return points / max(len(foreign), 1)


@cache
def _usual() -> dict[str, frozenset[str]]:
    """Return by codec the characters in everyday use: its standard's first level holds just those.

    Equal scores go to the first codec. A damaged UTF-8 file is likeliest UTF-8 still.
    """
    simplified = _level("gb2312", 0xB0, 0xD7)
    traditional = _level("big5", 0xA4, 0xC6)
    return {"utf-8-sig": simplified | traditional, "gb18030": simplified, "cp950": traditional}


def _level(codec: str, first: int, last: int) -> frozenset[str]:
    leads = range(first, last + 1)
    pairs = b"".join(bytes((lead, trail)) for lead in leads for trail in range(0x40, 0xFF))
    return frozenset(pairs.decode(codec, "ignore"))


# Punctuation, and the characters met most in prose, names and headings, in both scripts.
_COMMON = frozenset(
    "\u3000、。〈〉《》「」『』【】！（），．：；？～－＋／＝％＠“”‘’…—·"
    "一丁七万三上下不与专且世业东两严並个中丹为主丽么义之乔九也乡书买乾了争事二于云五些亡交产京人"
    "什仁仅今仍从他代以们件价任份伍休优会伟传伤伦估但佈位低住体佔何余作你佩佳使來供依侯便係俊保俞"
    "信修個們候倩倪倫值假偉做停健偶偿傅傑備储傳傷僅像價儘償優儲儿元先光克免兒入內全兩八公六兰共关"
    "其养内再军冠冯冰决准凌几凤凯凱出分切列刘则刚別利别到制則前剛劉力加务动勇動務勤包化北匯区医區"
    "十千华卓单南占卢即却卻卿厂原去县又及反发取受变口古只可台史叶号司各合吉吊同名后向吕吗君否吧听"
    "启吳吴呂告员呢周命和咨品員哲唐商啊問啓啟善喬單嗎嘉嚴四回因园围固国图國圍園圖圣在地圳场址均型"
    "城培基報場塗士声壽处备复夏外多夜大天太失头奖女她好如妍妤妮妳姊始姓姚姜姻威娜娟婕婚婷子孔孙孝"
    "孟季学孫學宁它宇安宋完宏宗定宜实审客室宥害家容密富實寧審对导寿将將專對導小少尔尚就尹层展属層"
    "屬山岩岳峯峰崔嶽巖川州巡工左己已巷市布师带師席帶常平年并幹幾广庄庆序应庞废度座康廖廠廢廣廷建"
    "开弄式张張強强当录彙形彥彦彭待很後徐得從復德心必志忠态思怡急性总恢恩息您情惠惩想意感態慧慶應"
    "懲成我或战戰戴戶户所手才打扣扬批承把投护报拉拖指按损换据授排接提揚換損摘據收改放政故效敏教数"
    "整數文料断斯新斷方於施旅无日早时昌明易春是時晓晚晨智曆曉曲更書曹曾最會月有服望期木未本术朱机"
    "权李杜束条来杨杰東林果柏柔查柯柳标样核格桂桃案档梁梅梓條检森楊業楼榮樊樓標樣機檔檢檯權次欣欧"
    "款歐正此武歷死残殘段殷毅母每比毕毛民气氣水求汇江汤汪決沈沒没治泉法波注泰洁洋津洪活浩海涂消涛"
    "涵淑深清温游湯源準溫满滿潔潘潮濤火災灾点為無焦然照熊爭爲父爾片牌牛物特状狀獎率玉王现玲珊珍班"
    "珮現理琦琪琳琴瑄瑜瑞瑩甘生產用田由申电男界畢當疗疾病症療癥發白百的益盛盡盧目直相省看真眼着瞭"
    "知石码确確碼磊礼社祝神祥祸禍福禮离秀秋种科秦称程種稱穎空立章童竹符第等筠筱签简管箱範簡籍籤类"
    "系紀約紅級素紧組結絡給統經維網緊線編縣總績繫繳續红约级纪线组经结给络统绩续维编缴缺网罗罚罰羅"
    "美義羽翁翔翟翰老考者而耳耿聂职联聖聯聲聶職聽育胡能自至臺與舒良色艳芬芳芷芸苏苗若英范荣药莉莊"
    "莎莫莲莹菁華萍萧萬萱葉著葛董蒋蓄蓉蓝蓮蔡蔣蕭薇薛藍藥蘇蘭處號行術街表袁被裏裡裴製複西要覃覆見"
    "規覺觀见观规觉角解計訓記訪設許訴診註評詢試詩話該詹認說説課請論諮諾講謝證識譚議護變讓计认讨让"
    "训议记讲许论设访证评识诉诊试诗话询该说请诺课谢谭谷豔象豪貞負財責貴買費賀資賈賠賢賬賴購贞负财"
    "责贤账购贵费贺贾资赔赖走赵起超趙路身車軍軒輝轉车轩转辉辛边达过运还这进违连迟退這通連週進逾遊"
    "運過道達違遲還邊邓邢那邮邱邵邹郑郝部郭郵都鄉鄒鄧鄭配酒醒醫里重量金銀銘錄錢鍾鎮鐘钟钱铭银镇長"
    "长門閉開間閻關门闭问间阎队阮附陆陈院除险陳陶陸隊障險隻难雄雅離難雪雯雲零雷電需霍霞青静靜非面"
    "韋韓韦韩音順須預領頭題額顏類顧顺须顾预领颖题颜额颱飛飞養餘香馨馬馮駁駕駱马驳驾骆體高髮魏魯鲁"
    "鳳鴻鵬鸿鹏麗麵麼黃黄黎點齊齐齡龄龍龐龔龙龚"
)
