"""What each command is for, in Chinese: beside the English in a group's help, and at the end of the command's own."""

import argparse

SUMMARIES = {
    "agent": "运行终端",
    "agent run": "运行收银程序，直到要求停止",
    "devices": "实时显示每个设备的状态",
    "device": "试用一个设备，写会员卡",
    "device test": "试用一个设备并给出结论",
    "device write-card": "把会员码写到卡上",
    "journal": "检查终端的流水，或写入文件",
    "journal verify": "逐条检查本机或导出的流水",
    "journal export": "把流水写入带签名的文件",
    "hq": "运行总部，以及总部员工的各项操作",
    "hq run": "应答终端，直到要求停止",
    "hq pack": "计价规则",
    "hq pack sign": "检查规则包并签成下一版本",
    "hq pack publish": "把签好的规则包发给终端",
    "hq terminal": "哪些终端的流水可以入账",
    "hq terminal add": "登记终端，或终端的新一代",
    "hq terminal revoke": "作废一台终端，不再收它的流水",
    "hq members": "终端认识哪些会员",
    "hq members load": "导入会员名单并发布",
    "hq members code": "打印会员码的文字",
    "hq members publish": "把会员和最新积分发给终端",
    "hq cashiers": "谁可以在终端登录",
    "hq cashiers load": "导入收银员名单并发布",
    "hq catalogue": "卖什么",
    "hq catalogue load": "导入商品目录并发布",
    "hq books": "打印销售、余额、终端、终端报告的事和待处理的例外",
    "hq settle": "储值结算：谁欠谁",
    "hq period": "结账和已结的期间",
    "hq period close": "把账结到某一天，不再更改",
    "hq period show": "打印已结的期间，并由流水重算",
    "hq shops": "门店按什么条款结算",
    "hq shops load": "导入门店的结算条款",
    "hq ingest": "从文件导入流水",
    "hq exceptions": "需要人查看的例外",
    "hq exceptions list": "列出待处理的例外",
    "hq exceptions settle": "把例外标为已查看",
    "hq restored": "声明账本是从备份恢复的",
    "hq web": "应答网店，直到要求停止",
    "hq exposure": "目前最大可能损失",
    "hq value": "会员和商户拥有的储值、积分等",
    "hq value pay-in": "记会员付给总部的钱",
    "hq value grant": "发放积分、次数、预算或赠品",
    "hq value pool": "记商户预购的积分",
    "hq value points-days": "积分有效多少天",
    "hq value bearer": "终端超出额度的消费由谁承担",
    "hq leases": "借给各终端的额度",
    "hq leases list": "列出借出的额度",
    "hq leases lend": "在习惯之外另借给终端",
    "hq leases recall": "要求终端归还全部额度",
    "hq leases write-off": "核销终端没有交代的额度",
    "hq coupons": "电子券",
    "hq coupons issue": "发一张电子券",
    "hq coupons withdraw": "收回一张电子券",
    "hq keys": "终端相信谁的转值单",
    "hq keys publish": "把各终端的流水公钥发给终端",
    "hq void": "作废会员的卡和会员码",
    "hq notices": "给收银员看的通知",
    "hq notices load": "导入通知并发布",
    "rules": "按规则包计价、解释、检查和比较",
    "rules price": "一篮商品要付多少，为什么",
    "rules explain": "每条规则为什么适用或不适用，怎样才会改变",
    "rules refund": "退货意味着什么",
    "rules lint": "找出永远不会发生、自相矛盾或代价太大的规则",
    "rules compile": "写出规则包的规范字节和 SHA-256",
    "rules compare": "新规则包对谁有什么改变",
    "provision": "生成密钥、证书、消息代理的文件和终端身份",
    "provision authority": "签发所有证书的机构",
    "provision broker": "mosquitto 的证书、配置和访问名单",
    "provision hq": "总部的签名密钥和工作进程的证书",
    "provision terminal": "终端的身份和登记单",
    "provision revoke": "作废一个身份：它的证书不再被消息代理接受",
    "demo": "在本机运行全部，并打开网页",
    "config": "检查配置文件",
    "config check": "一次指出文件里的所有错误，或显示将使用的值",
}
"""By the words of the command."""


def say_in_chinese(parser: argparse.ArgumentParser) -> None:
    """Put the Chinese beside the English, in the help of ``parser`` and of every command below it."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for choice in action._choices_actions:
            command = action.choices[choice.dest]
            summary = SUMMARIES[command.prog.partition(" ")[2]]
            choice.help = f"{choice.help} · {summary}"
            described = (command.description or "").rstrip()
            # A page that tells more than this in Chinese says it already.
            if not described.endswith("。"):
                command.description = f"{described}\n\n{summary}。".lstrip()
            say_in_chinese(command)
