// For the plain TypeScript compiler, which does not read .astro files; `astro check` does, and sees the real ones.
declare module '*.astro' {
  const component: import('astro/runtime/server/index.js').AstroComponentFactory;
  export default component;
}
