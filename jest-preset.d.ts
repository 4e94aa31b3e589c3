/** What `preset: 'jest-kubernetes'` loads: Jest options, to spread into a configuration of one's own. */
declare const preset: Readonly<Record<string, unknown>>;
export = preset;
