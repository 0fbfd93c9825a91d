"""Names of columns that tell that what stands below tells who somebody is."""

from __future__ import annotations

import re

_LONGEST_HEADING = 8
_BY_NAME = {
    "name": r"(?:.*\b)?(?:your|my|his|her|respondent'?s?|patient'?s?|customer'?s?|client'?s?|guest'?s?|employee'?s?|student'?s?|participant'?s?|contact) (?:full |first |last )?name|"
    r"name of (?:the )?(?:respondent|patient|customer|client|guest|employee|student|participant|contact)|"
    r"(?:first|last|full|given|family|sur|middle|nick|user|contact|recipient\s*(?:first|last)?)[ _]?name|姓名|名字|昵称|联系人|"
    r"(?:客户|顾客|患者|病人|员工|学生|办件人|申请人|填表人|您的|你的)(?:姓名|名字|名称)|提交者.*",
    "email": r".*e-?mail(?:[ _]?address)?|.*(?:电子)?邮箱(?:地址)?|电子邮件.*",
    "phone": r".*(?:phone|mobile|telephone|cell)(?:[ _]?(?:number|no\.?))?|tel\.?|.*(?:手机|电话)(?:号码?)?|.*联系方式",
    "id_number": r".*(?:身份证|证件|护照)(?:号码?)?|(?:national|personal)[ _]?id|passport(?:[ _]?(?:number|no\.?))?|ssn|social security.*",
    "ip": r"ip|ip[ _]?addr(?:ess)?|来自ip|ip地址",
    "location": r"(?:location)?[ _]?(?:latitude|longitude)|lat|lng|lon|long|经度|纬度|(?:home|street|postal)?[ _]?address|.*(?:住址|详细地址|家庭地址)",
    "plate": r".*车牌(?:号码?)?|(?:licen[cs]e|number)[ _]?plate",
    "account": r".*(?:微信|wechat|qq)(?:号码?|[ _]?id)?",
    "card": r".*(?:银行卡|卡号)|(?:credit[ _]?)?card[ _]?(?:number|no\.?)|iban",
}
_NAMES = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _BY_NAME.items()}


def by_name(column: str) -> str:
    """Return the kind that a column's name tells; '' where it tells none.

    Parameters
    ----------
    column : str
        Its name, in English or Chinese; a number before it, as 1、 or Q3., does not count.

    Returns
    -------
    str
    """
    plain = re.sub(r"^(?:q?\d+\s*[、.．:：)]\s*)", "", " ".join(str(column).split()), flags=re.IGNORECASE).strip(
        " *?？:："
    )
    if len(plain.split()) > _LONGEST_HEADING:
        return ""
    return next((kind for kind, pattern in _NAMES.items() if pattern.fullmatch(plain)), "")
