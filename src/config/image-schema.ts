import * as z from 'zod';

import { referenceProblem } from '../support/image-reference.js';

/** A string that a rule of its own judges: it says what would be allowed, or nothing. */
export const judged = <T extends z.ZodString>(schema: T, problem: (text: string) => string | undefined): T =>
  schema.superRefine((value, context) => {
    const message = problem(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const pattern = /^[a-z0-9][\w.:/@-]*$/i;
const allowed = 'an image reference such as postgres:17-alpine';

/** What an image is called; of what looks like it, what is wrong. */
export const imageReference = judged(z.string('an image reference').regex(pattern, allowed), (text) => {
  const problem = pattern.test(text) ? referenceProblem(text) : undefined;
  return problem && `${allowed} (${problem})`;
});
