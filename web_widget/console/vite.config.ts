import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = "http://127.0.0.1:8400";

// The console is served by the application itself under /desk/; nothing comes from another host.
export default defineConfig({
  base: "/desk/",
  plugins: [react()],
  build: {
    outDir: "../static/desk",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_400,
  },
  server: { proxy: { "/api": server, "/readyz": server, "/health": server, "/ws": { target: server, ws: true } } },
  test: { name: "console", environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"] },
});
