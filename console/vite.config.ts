import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The API that `npm run dev` stands in front of; `signalbox up` prints it. */
const api = process.env.SIGNALBOX_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  html: { cspNonce: "__NONCE__" },
  build: {
    manifest: true,
    target: "es2022",
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        advancedChunks: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler)\// },
            { name: "codemirror", test: /node_modules\/(@codemirror|@lezer|style-mod|w3c-keyname|crelt)/ },
          ],
        },
      },
    },
  },
  server: { proxy: { "/v1": { target: api, changeOrigin: false }, "/openapi.json": api } },
});
