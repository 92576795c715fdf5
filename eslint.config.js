// Rules beyond types and format: typescript-eslint's strict set, Astro's own for pages, and the house's imports.
import astro from 'eslint-plugin-astro';
import tseslint from 'typescript-eslint';

const typed = { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } };

export default tseslint.config(
  { ignores: ['dist/', '.astro/', '.eigenlens/', 'reports/*/', 'coverage/', 'test-results/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: typed,
    rules: {
      // An index that was checked by the loop around it, or an array that is known not to be empty.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Interfaces of plain functions are written as methods; nothing uses `this`.
      '@typescript-eslint/unbound-method': 'off',
      // A promise is what an interface asks for, also where one of its members has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // Attributes of ops and answers to documents have no type of their own; schemas check them at the border.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // What comes from files and from users may break its type.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': ['error', { allow: ['error'] }],
    },
  },
  { files: ['test/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.base], rules: { eqeqeq: 'error' } },
  ...astro.configs['flat/recommended'],
);
