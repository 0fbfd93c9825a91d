"""Corpora with planted topics: texts of words that topics share with their neighbours and with everything."""

import numpy as np

EN = {
    "waiting": "queue wait hour ticket number slow minute line patience turn crowd schedule delay long",
    "staff": "clerk rude friendly attitude smile manner polite shout helpful tone respect officer greet uniform",
    "website": "website login password page browser error crash upload form screen app online account captcha",
    "parking": "parking car garage space road bus entrance gate traffic lot distance stairs lift signpost",
    "papers": "document paper copy stamp signature certificate photo proof requirement original passport permit licence material",
    "fees": "fee price money payment card cash refund charge receipt cost invoice expensive bank tariff",
}
ZH = {
    "waiting": "排队 等候 小时 叫号 窗口 拥挤 分钟 缓慢 耐心 轮到 时间 预约 取号 漫长",
    "staff": "态度 恶劣 热情 微笑 礼貌 粗鲁 语气 人员 服务 尊重 冷漠 接待 制服 耐烦",
    "website": "网站 登录 密码 页面 浏览器 报错 崩溃 上传 表格 屏幕 系统 在线 账号 验证码",
    "parking": "停车 车位 车库 公交 入口 大门 道路 交通 距离 楼梯 电梯 指示牌 地铁 位置",
    "papers": "材料 文件 复印件 盖章 签字 证书 照片 证明 要求 原件 护照 许可证 执照 身份证",
    "fees": "费用 价格 现金 付款 银行卡 退款 收费 收据 成本 发票 昂贵 银行 缴费 标准",
}
COMMON_EN = [
    "hall",
    "service",
    "centre",
    "counter",
    "visit",
    "morning",
    "city",
    "office",
    "people",
    "thing",
    "case",
    "matter",
    "business",
    "handle",
    "today",
    "process",
    "result",
    "place",
    "local",
    "public",
]
COMMON_ZH = [
    "大厅",
    "中心",
    "办事",
    "城市",
    "办公室",
    "事情",
    "业务",
    "办理",
    "今天",
    "流程",
    "结果",
    "地方",
    "当地",
    "公共",
    "群众",
    "上午",
    "部门",
    "工作",
    "手续",
    "情况",
]


def corpus(seed, n=900, length=9, own=0.55, neighbour=0.2, themes=None, chinese=0.5):
    """Return texts and the planted topic of each, such as 'zh waiting'.

    A word is of a topic with chance `own`, otherwise one of those that all share; words of a topic are with chance `neighbour` those of the next one.
    """
    rng = np.random.default_rng(seed)
    themes = list(EN) if themes is None else themes
    texts, truth = [], []
    for _ in range(n):
        language = "zh" if rng.random() < chinese else "en"
        lists, common = (ZH, COMMON_ZH) if language == "zh" else (EN, COMMON_EN)
        at = int(rng.integers(len(themes)))
        words = []
        for _ in range(3 + rng.poisson(length - 3)):
            if rng.random() < own:
                theme = themes[(at + (rng.random() < neighbour)) % len(themes)]
                pool = lists[theme].split()
                words.append(pool[int(len(pool) * rng.beta(1, 1.5))])
            else:
                words.append(common[int(len(common) * rng.beta(1, 1.5))])
        texts.append("，".join(words) if language == "zh" else " ".join(words))
        truth.append(f"{language} {themes[at]}")
    return texts, np.array(truth)
