import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The pages, as the server hands them out: files named by their content, so that browsers may keep them for ever. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { outDir: '../../dist/web', emptyOutDir: true, assetsInlineLimit: 0, reportCompressedSize: true },
});
