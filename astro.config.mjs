// The static site. `eigenlens build` sets the environment; `astro build` alone reads ./reports and writes ./dist.
import { defineConfig } from 'astro/config';
import { finishSite } from './src/lib/finish-site.ts';

// These name settings of Vite itself: one that happens to be in the environment would win over the configuration.
for (const name of ['BASE_URL', 'DEV', 'MODE', 'PROD', 'SSR']) delete process.env[name];

export default defineConfig({
  site: process.env.EIGENLENS_SITE || undefined,
  base: process.env.EIGENLENS_BASE || '/',
  output: 'static',
  trailingSlash: 'always',
  compressHTML: true,
  // Not `_astro`: some hosts hide folders that begin with an underscore.
  build: { format: 'directory', inlineStylesheets: 'never', assets: 'assets' },
  devToolbar: { enabled: false },
  integrations: [finishSite()],
  vite: {
    resolve: { dedupe: ['graphql'] },
    // Nothing inline: the content security policy allows neither data URIs nor inline scripts.
    build: { assetsInlineLimit: 0 },
  },
});
