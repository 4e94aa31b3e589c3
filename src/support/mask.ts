/** What stands in a secret's place. */
const mask = '***';

// every repetition is bounded, or cannot fail: a log may be one line of a megabyte
const secretName = String.raw`[\w.-]{0,64}(?:password|passwd|passphrase|pgpass|secret|token|(?:api|access|private|signing|encryption|deploy|ssh|gpg)_?key|auth_?config|kube_?config_?(?:data|base64|b64|content)|client-key-data|client-certificate-data|credentials?|_pat(?![a-z]))[\w-]{0,64}`;
/** Keys that look like secrets and only refer to them: they tell of a misspelt name. */
const harmlessKey =
  /^(?:.*secretname|secret|secrets|secretkeyref|secretref|imagepullsecrets|tokenexpirationseconds|automountserviceaccounttoken|serviceaccounttoken|.*tokens?_?(?:limit|count|path|file)|.*secrets?_?(?:path|file)|.*_file|passwordfile)$/i;
/** Quoted within a string, quoted, or bare. */
const value = String.raw`(?:\\{1,8}"(?:(?!\\{1,8}").)*(?:\\{1,8}")?|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,;&"'\\}\]]+)`;

/** What services begin their own tokens with. */
const prefixed =
  /\b(?:gh[opsur]_|github_pat_|glpat-|AKIA|ASIA|AIza|xox[abeprs]-|npm_|sk_live_|rk_live_|sk-|hf_|dckr_pat_|pypi-|dop_v1_)[\w-]{12,512}/g;

/**
 * A word that nobody has chosen: long, of capitals, small letters and digits. Digests, ids and the names of Kubernetes
 * objects are of small letters alone.
 */
const random = /(?<![\w+/=-])[A-Za-z0-9+_-]{32,}={0,2}(?![\w+/])/g;
/** Bits for each character, above which a word is no word: base64 has 6, its sample of 32 some 4.5, English 2.5 to 4. */
const entropyOfChance = 4.1;

function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

const isRandom = (word: string): boolean =>
  /[a-z]/.test(word) &&
  /[A-Z]/.test(word) &&
  /\d/.test(word) &&
  entropy(word.slice(0, 256)) > entropyOfChance;

/** The shapes that a secret has in logs, manifests, environments and kubeconfigs. */
const shapes: readonly { shape: RegExp; masked: string | ((...groups: string[]) => string) }[] = [
  {
    shape: /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g,
    masked: (_whole, kind = '') => `-----BEGIN ${kind}-----${mask}-----END ${kind}-----`,
  },
  // scheme://user:password@: a password may hold an @ or a slash, a port may not
  {
    shape: /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'`]{0,128}):(?!\d{1,5}(?:\/|$|\s))[^\s"'`]{1,512}@/gi,
    masked: `$1:${mask}@`,
  },
  { shape: /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, masked: `$1 ${mask}` },
  { shape: prefixed, masked: mask },
  { shape: /\beyJ[\w-]{8,2048}\.[\w-]{1,4096}\.[\w-]*/g, masked: mask },
  // an environment entry of a manifest, in YAML, in JSON, or in JSON within a string
  {
    shape: new RegExp(
      String.raw`(name\\{0,8}"?:\s{0,64}\\{0,8}"?(${secretName})\\{0,8}"?,?\s{0,64}\\{0,8}"?value\\{0,8}"?:[ \t]{0,8})(${value})`,
      'gi',
    ),
    masked: (_whole, before = '', _name, secret = '') => `${before}${quoted(secret)}`,
  },
  // KEY=value, key: value, "key":"value", --password value
  {
    shape: new RegExp(String.raw`(--?${secretName}[ =])(${value})`, 'gi'),
    masked: `$1${mask}`,
  },
  {
    // `postgres.password: it is a number` is what we say ourselves of a configuration
    shape: new RegExp(
      String.raw`\b(${secretName})(\\{0,8}["']?[ \t]{0,8}[=:][ \t]{0,8})(?!it is )(${value})`,
      'gi',
    ),
    masked: (whole, key = '', between = '', secret = '') =>
      harmlessKey.test(key) ? whole : `${key}${between}${quoted(secret)}`,
  },
  { shape: random, masked: (word) => (isRandom(word) ? mask : word) },
];

const quoted = (secret: string) => {
  const quote = /^\\*["']/.exec(secret)?.[0] ?? '';
  return `${quote}${mask}${quote}`;
};

/** A secret as it may be written: plain, in base64, in a URL, in JSON. */
const spellings = (secret: string) => [
  secret,
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
];

/** Shorter ones stand in too many words that are no secret. */
const SHORTEST = 4;

/** `test`, `postgres`, `admin`: where it stands as a value, its key tells; elsewhere it is a word like any other. */
const isWord = (secret: string): boolean => /^[a-z]{1,12}$/i.test(secret);

/**
 * A function that masks secrets in a text: the known ones however they are
 * spelt, and whatever has a secret's shape.
 * @param known - passwords, tokens, and values of Secret objects
 */
export function masker(known: readonly string[] = []): (text: string) => string {
  const literals = [
    ...new Set(known.filter((secret) => secret.length >= SHORTEST && !isWord(secret)).flatMap(spellings)),
  ]
    // a longer secret may hold a shorter one
    .sort((a, b) => b.length - a.length)
    .map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const exact = literals.length > 0 ? new RegExp(literals.join('|'), 'g') : undefined;
  return (text) => {
    const exactMasked = exact ? text.replace(exact, mask) : text;
    return shapes.reduce(
      // one overload of replace() takes a string, the other a function
      (rest, { shape, masked }) =>
        typeof masked === 'string' ? rest.replace(shape, masked) : rest.replace(shape, masked),
      exactMasked,
    );
  };
}

/** Keys of Secret objects that hold no secret, and whose values stand in many an innocent line. */
const plainKeys =
  /^(?:.*user(?:name)?|.*database|.*_db|db|host(?:name)?|pghost|pgport|pguser|pgdatabase|port|namespace|type|ca\.crt|token-id|usage-.*|auth-extra-groups|expiration|description)$/i;

/** The secret values of a Secret object. */
export function secretsOf(secret: { data?: Record<string, string> }): string[] {
  return Object.entries(secret.data ?? {})
    .filter(([key]) => !plainKeys.test(key))
    .map(([, encoded]) => Buffer.from(encoded, 'base64').toString('utf8'));
}
