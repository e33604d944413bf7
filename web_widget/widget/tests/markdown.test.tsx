import { render } from "@testing-library/preact";
import { expect, test } from "vitest";
import { Markdown } from "../src/chat/parts/Markdown.tsx";

const html = (text: string) => render(<Markdown text={text} />).container;

test.each([
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "![x](https://evil.example/pixel.png)",
  "<svg/onload=alert(1)>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<style>*{display:none}</style>",
])("%s makes no element", (text) => {
  expect(html(text).querySelector("script,img,svg,iframe,style")).toBeNull();
});

test.each(["[a](javascript:alert(1))", "[a](data:text/html,x)", "[a](vbscript:x)", "[a](/relative)", "[a](JaVaScRiPt:alert(1))", "<javascript:alert(1)>"])(
  "%s is no link",
  (text) => {
    expect(html(text).querySelector("a")).toBeNull();
  },
);

test("links open elsewhere and tell nothing about this page", () => {
  const link = html("[help](https://shop.example/help) and <me@shop.example>").querySelectorAll("a");
  expect([...link].map((a) => [a.getAttribute("href"), a.rel, a.target])).toEqual([
    ["https://shop.example/help", "noopener noreferrer nofollow", "_blank"],
    ["mailto:me@shop.example", "noopener noreferrer nofollow", "_blank"],
  ]);
});

test("lists, tables, code and emphasis in Chinese", () => {
  const box = html("1. **退货**\n2. 换货\n\n| 地区 | 运费 |\n|---|---|\n| 北京 | 8 元 |\n\n`code` ~~旧价~~");
  expect([...box.querySelectorAll("li,th,td,strong,code,del")].map((element) => element.textContent)).toEqual(["退货", "退货", "换货", "地区", "运费", "北京", "8 元", "code", "旧价"]);
});
