import type { Preset } from './dist/jest/preset.js';

declare const preset: Preset;
export = preset;
