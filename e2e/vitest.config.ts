import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.test.ts'],
    // The files share two cores and the speech models; one after the other keeps timing honest.
    fileParallelism: false,
    setupFiles: ['src/harness/print-logs.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
