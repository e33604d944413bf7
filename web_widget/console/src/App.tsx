import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider, theme as antTheme, type ThemeConfig } from "antd";
import en from "antd/locale/en_US";
import zh from "antd/locale/zh_CN";
import { useEffect, useMemo, useState } from "react";
import { Router } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { ApiError } from "@jieli/protocol";
import { useText } from "./i18n";
import { Gate } from "./shell/Gate";
import { useSettings } from "./state/settings";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

function useDark(): boolean {
  const wanted = useSettings((s) => s.theme);
  const [system, setSystem] = useState(() => window.matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const media = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => setSystem(media.matches);
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, []);
  return wanted === "auto" ? system : wanted === "dark";
}

// Tints of the brand's green; the generated ones turn grey on so deep a seed.
// Greys a little darker than the library's, for 4.5:1 on every ground that they stand on.
const LIGHT = {
  colorTextSecondary: "rgba(0, 0, 0, 0.72)",
  colorTextTertiary: "rgba(0, 0, 0, 0.6)",
  colorTextDescription: "rgba(0, 0, 0, 0.62)",
  colorTextPlaceholder: "rgba(0, 0, 0, 0.58)",
  colorError: "#d4282d",
  colorPrimary: "#0f766e",
  colorPrimaryBg: "#ecf7f5",
  colorPrimaryBgHover: "#d9efeb",
  colorPrimaryBorder: "#a6dbd2",
  colorPrimaryBorderHover: "#74c4b7",
  colorInfo: "#0f766e",
  colorInfoBg: "#ecf7f5",
  colorInfoBorder: "#a6dbd2",
  colorLink: "#0f766e",
};
const DARK = {
  colorTextSecondary: "rgba(255, 255, 255, 0.72)",
  colorTextTertiary: "rgba(255, 255, 255, 0.6)",
  colorTextDescription: "rgba(255, 255, 255, 0.64)",
  colorTextPlaceholder: "rgba(255, 255, 255, 0.6)",
  colorBgLayout: "#0e1112",
  colorPrimary: "#0d8277",
  colorPrimaryBg: "#10302d",
  colorPrimaryBgHover: "#143c38",
  colorPrimaryBorder: "#1c5a53",
  colorInfo: "#0d8277",
  colorInfoBg: "#10302d",
  colorInfoBorder: "#1c5a53",
  colorLink: "#2dd4bf",
};

function themeOf(dark: boolean): ThemeConfig {
  return {
    algorithm: dark ? antTheme.darkAlgorithm : antTheme.defaultAlgorithm,
    cssVar: { key: "jieli" },
    token: {
      ...(dark ? DARK : LIGHT),
      borderRadius: 8,
      fontFamily:
        '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Helvetica Neue", Arial, sans-serif',
    },
    components: { Layout: { headerPadding: "0 16px", headerHeight: 52 }, Tabs: { horizontalMargin: "0 0 16px 0", ...(dark ? { itemSelectedColor: DARK.colorLink, inkBarColor: DARK.colorLink } : {}) },
      ...(dark ? { Menu: { itemSelectedColor: DARK.colorLink } } : {}) },
  };
}

export function App() {
  const { language, t } = useText();
  const dark = useDark();
  const theme = useMemo(() => themeOf(dark), [dark]);
  useEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  }, [language, dark]);
  useEffect(() => {
    document.title = `${t("app.name")} · ${t("app.desk")}`;
  }, [t]);
  return (
    <ConfigProvider theme={theme} locale={language === "en" ? en : zh} button={{ autoInsertSpace: false }}>
      <AntApp message={{ maxCount: 3 }} notification={{ placement: "bottomRight" }}>
        <QueryClientProvider client={queries}>
          <Router hook={useHashLocation}>
            <Gate />
          </Router>
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}
