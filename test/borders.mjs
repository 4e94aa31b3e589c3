/**
 * The rooms of src, and which may import which: a room is entered through its index.ts, and arrows point down this
 * list. `npm run lint` keeps it; docs/architecture.md draws it.
 */
export const rooms = {
  support: { is: 'small and without dependencies on the rest', uses: [] },
  report: { is: 'what a reader sees of a run', uses: ['support'] },
  runtime: { is: 'which container engine is there', uses: ['support'] },
  tools: {
    is: 'programs of others, found or fetched',
    uses: ['report', 'runtime', 'support'],
  },
  config: { is: 'what a user asks for', uses: ['support'] },
  kubernetes: {
    is: 'what can be done with an API server',
    uses: ['config', 'report', 'support'],
  },
  images: {
    is: 'images on their way into a cluster',
    uses: ['config', 'report', 'runtime', 'support'],
  },
  cluster: {
    is: 'where a cluster comes from, who uses it, and how it goes',
    uses: ['config', 'kubernetes', 'report', 'runtime', 'support', 'tools'],
  },
  postgres: {
    is: 'the server, its template, a database for each worker',
    uses: ['config', 'kubernetes', 'report', 'support'],
  },
  services: {
    is: 'servers beside PostgreSQL, and how tests learn where they are',
    uses: ['config', 'kubernetes', 'support'],
  },
  diagnose: {
    is: 'from symptoms to a cause, and the bundle',
    uses: ['kubernetes', 'report', 'runtime', 'support'],
  },
  run: {
    is: 'a run from start to end',
    uses: [
      'cluster',
      'config',
      'diagnose',
      'images',
      'kubernetes',
      'postgres',
      'report',
      'runtime',
      'services',
      'support',
      'tools',
    ],
  },
  testing: {
    is: 'what tests call',
    uses: ['diagnose', 'kubernetes', 'postgres', 'report', 'support', 'tools'],
  },
  jest: { is: 'what Jest loads: thin, no logic of its own', uses: ['report', 'run', 'support', 'testing'] },
  cli: {
    is: 'the command',
    uses: ['cluster', 'config', 'diagnose', 'images', 'report', 'run', 'runtime', 'support', 'tools'],
  },
};

/** Doors besides index.ts: loaded in every test worker, before anything is known of what its files use. */
const lightDoors = [
  'kubernetes/waiting/readiness.js',
  'kubernetes/waiting/verdict.js',
  'testing/client-node.js',
  'testing/database.js',
  'testing/matchers.js',
  'testing/red-test.js',
  'testing/test-file.js',
];

/** A folder of `support` has no door: its files are as small as one. */
const withoutDoor = ['support'];

const escaped = (text) => text.replaceAll('.', '\\.');

/** One block of ESLint's configuration for each room. */
export const borders = Object.entries(rooms).map(([room, { is, uses }]) => {
  const closed = Object.keys(rooms).filter((other) => other !== room && !uses.includes(other));
  const doors = uses.filter((other) => !withoutDoor.includes(other));
  const light = lightDoors
    .map(escaped)
    .map((door) => `(?!(?:\\.\\./)+${door}$)`)
    .join('');
  const patterns = [
    {
      regex: `^(?:\\.\\./)+(?:${closed.join('|')})/`,
      message: `src/${room} is “${is}” and may use ${uses.join(', ') || 'no other room'}. What it shares with another belongs into one of those, or is handed in by src/run (docs/architecture.md).`,
    },
    ...(doors.length === 0
      ? []
      : [
          {
            regex: `^${light}(?:\\.\\./)+(?:${doors.join('|')})/(?!index\\.js$)`,
            message:
              'A room is entered through its index.ts: import it from there, and export it there if others need it.',
          },
        ]),
  ];
  return {
    files: [`src/${room}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
});
