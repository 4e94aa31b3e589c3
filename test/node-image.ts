import { nodeImage } from '../src/config/node-images.js';

const variable = (name: string): string | undefined => process.env[`JEST_KUBERNETES_${name}`] || undefined;

/** The image of the package's clusters on this machine, for those that a test makes itself; undefined is kind's own. */
export const nodeImageHere =
  variable('NODE_IMAGE') ?? nodeImage(variable('VERSION'), variable('NODE_IMAGES'));
