import type { ImageSource } from '../config/index.js';

export { buildImage } from './build.js';
export { localImageId } from './engine.js';
export { importImage } from './import.js';
export { pullImage } from './pull.js';
export { pushImage } from './push.js';
export { registriesOf } from '../support/image-reference.js';

/** What an image is called in progress lines: its reference, or its archive's path. */
export function imageSourceKey(source: ImageSource): string {
  if (source.kind === 'archive') return source.path;
  return source.kind === 'pull' ? source.reference : source.tag;
}
