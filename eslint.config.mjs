import prettier from 'eslint-config-prettier';
import importSort from 'eslint-plugin-simple-import-sort';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

import { borders } from './test/borders.mjs';

export default defineConfig(
  { ignores: ['dist/', '**/node_modules/', '**/*.js', '**/*.mjs', '**/*.cjs', 'examples/', '**/fixtures/'] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { imports: importSort },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Node.js' own, packages, this project's: from far to near
      'imports/imports': ['error', { groups: [['^node:'], ['^@?\\w'], ['^\\.\\./', '^\\./']] }],
    },
  },
  ...borders,
  prettier,
);
