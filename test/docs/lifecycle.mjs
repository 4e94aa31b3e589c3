/** A run from start to end as bars on one axis, after src/run/plan.ts; the lengths are of no measured run. */
import { themes } from './picture.mjs';

const size = { label: 270, bar: 560, row: 30, head: 34 };

/** From and to, of a hundred, and who does it. */
const rows = [
  ['configuration, lease', 0, 7, 'parent'],
  ['kind creates the cluster', 7, 60, 'parent'],
  ['pull and build images', 7, 26, 'parent'],
  ['stream images into the nodes', 26, 54, 'parent'],
  ['apply manifests, wait for them', 38, 70, 'parent'],
  ['PostgreSQL, migrations', 38, 70, 'parent'],
  ['tests', 70, 92, 'workers'],
  ['lease given back, last out deletes', 92, 100, 'parent'],
  ['watchdog, for when Jest is killed', 7, 100, 'own process'],
];

/** What the cluster reaches on its way, and others wait for. */
const milestones = [
  ['nodes', 26],
  ['API server', 38],
  ['ready', 60],
];

const fills = { parent: 32, workers: 33, 'own process': undefined };

const at = (part) => size.label + (part / 100) * size.bar;

/** `docs/pictures/lifecycle-dark.svg`, or `-light`. */
export function lifecycle(name) {
  const { ground, border, text, colours } = themes[name];
  const [width, height] = [size.label + size.bar + 24, size.head + rows.length * size.row + 44];
  const bars = rows.flatMap(([label, from, to, who], index) => {
    const y = size.head + index * size.row;
    const fill = colours[fills[who]];
    const look =
      fill === undefined ? `fill="none" stroke="${text}" stroke-dasharray="4 3"` : `fill="${fill}"`;
    return [
      `<text x="${size.label - 12}" y="${y + 19}" text-anchor="end" fill="${text}">${label}</text>`,
      `<rect x="${at(from)}" y="${y + 6}" width="${at(to) - at(from)}" height="18" rx="4" ${look}/>`,
    ];
  });
  const marks = milestones.flatMap(([label, part]) => [
    `<path d="M${at(part)} ${size.head}V${height - 44}" stroke="${border}" stroke-dasharray="2 4"/>`,
    `<text x="${at(part)}" y="${size.head - 10}" text-anchor="middle" fill="${text}" opacity="0.7">${label}</text>`,
  ]);
  const legend = Object.entries(fills).map(([who, fill], index) => {
    const x = size.label + index * 150;
    const look =
      fill === undefined ? `fill="none" stroke="${text}" stroke-dasharray="4 3"` : `fill="${colours[fill]}"`;
    const label = {
      parent: 'Jest’s parent',
      workers: 'Jest’s workers',
      'own process': 'a process of its own',
    };
    return `<rect x="${x}" y="${height - 28}" width="14" height="14" rx="3" ${look}/><text x="${x + 22}" y="${height - 16}" fill="${text}">${label[who]}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A run from start to end">`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${ground}" stroke="${border}"/>`,
    '<g font-family="system-ui, sans-serif" font-size="13">',
    ...[...marks, ...bars, ...legend],
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}
