import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

// Every page is one file without a neighbour: a report is mailed, archived and opened without a network.
export default defineConfig({
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: {
    outDir: "../python/rocust/_report/pages",
    emptyOutDir: true,
    target: "es2022",
    // Of what is inside the pages: React and uPlot ask for their notices.
    license: { fileName: "licenses.md" },
    rollupOptions: { input: "report.html" },
  },
});
