/** What stands in a secret's place. */
const mask = '***';

// every repetition is bounded, or cannot fail: a log may be one line of a megabyte
const secretName = String.raw`[\w.-]{0,64}(?:password|passwd|(?:_|\b)pwd|(?:_|db|user|auth)pass(?![a-z])|passphrase|pgpass|secret|token|(?:api|access|account|encryption|deploy|gpg|hmac|license|master|private|session|shared|signing|ssh|storage)[._-]?key|auth_?config|kube_?config_?(?:data|base64|b64|content)|client-key-data|client-certificate-data|credentials?|_pat(?![a-z]))[\w-]{0,64}`;
/** Keys that look like secrets and only refer to them: they tell of a misspelt name. */
const harmlessKey =
  /^(?:.*secret[_-]?name|secret|secrets|secretkeyref|secretref|imagepullsecrets|tokenexpirationseconds|automountserviceaccounttoken|serviceaccounttoken|.*tokens?[_-]?(?:limit|count|path|file)|.*secrets?[_-]?(?:path|file)|.*[_-]file|passwordfile)$/i;
/** Quoted within a string, quoted, or bare. */
const value = String.raw`(?:\\{1,8}"(?:(?!\\{1,8}").)*(?:\\{1,8}")?|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,;&"'\\}\]]+)`;
/** Of YAML, the lines of a text: all that are further in than where it begins (group 2 of the whole). */
const lines = String.raw`[ \t]{0,8}[|>][-+\d]{0,2}\n)((?:\2[ \t]+[^\n]*(?:\n|$))+)`;

/** What services begin their own tokens with. */
const prefixed =
  /\b(?:gh[opsur]_|github_pat_|gl(?:pat|rt|dt|cbt)-|AKIA|ASIA|AIza|xox[abeprs]-|npm_|[rs]k_(?:live|test)_|whsec_|sk-|hf_|shpat_|dckr_pat_|pypi-|dop_v1_|AGE-SECRET-KEY-|(?:SG|hvs|ya29)\.)[\w.-]{12,512}/g;

/**
 * A word that nobody has chosen: long, of capitals, small letters and digits. Digests, ids and the names of Kubernetes
 * objects are of small letters alone.
 */
const random = /(?<![\w+/=-])[A-Za-z0-9+_-]{32,}={0,2}(?![\w+/])/g;
/** Likewise what base64 breaks into lines, a key without its beginning: a path so long has a dot. */
const randomLine = /(?<![\w+/=.-])[A-Za-z0-9+/]{60,}={0,2}(?![\w+/.-])/g;
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

/** In base64, what Docker keeps of a login. */
const isLogin = (word: string): boolean =>
  /^[\x20-\x7e]+:[\x20-\x7e]+$/.test(Buffer.from(word, 'base64').toString('latin1'));

/** The shapes that a secret has in logs, manifests, environments and kubeconfigs. */
const shapes: readonly { shape: RegExp; masked: string | ((...groups: string[]) => string) }[] = [
  {
    shape: /-----BEGIN ([A-Z ]*PRIVATE KEY(?: BLOCK)?)-----[\s\S]*?(?:-----END \1-----|$)/g,
    masked: (_whole, kind = '') => `-----BEGIN ${kind}-----${mask}-----END ${kind}-----`,
  },
  // scheme://user:password@: a password may hold an @ or a slash, a port may not
  {
    shape: /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'`]{0,128}):(?!\d{1,5}(?:\/|$|\s))[^\s"'`]{1,512}@/gi,
    masked: `$1:${mask}@`,
  },
  // a token in a user's place
  { shape: /\b(https?:\/\/)[^\s:/@"'`]{16,512}@/gi, masked: `$1${mask}@` },
  { shape: /(\/\/hooks\.slack\.com\/services\/)[\w/]+/g, masked: `$1${mask}` },
  { shape: /([?&](?:sig|signature|X-Amz-(?:Signature|Credential))=)[^\s&"'`]+/gi, masked: `$1${mask}` },
  { shape: /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, masked: `$1 ${mask}` },
  // whatever follows, to the end of the line or of the text that it is in
  {
    shape: /\b(authorization\\{0,8}["']?[ \t]{0,8}[:=][ \t]{0,8})(\\{0,8}["']?)[^\s"'\\][^\n]*/gi,
    masked: (whole, before = '', quote = '') =>
      `${before}${quote}${mask}${quote === '' ? '' : afterQuote(whole.slice(before.length), quote)}`,
  },
  {
    shape: /\b((?:set-)?cookie\\{0,8}["']?[ \t]{0,8}:[ \t]{0,8}\\{0,8}["']?)[^\s"'\\][^\n"'\\]*/gi,
    masked: `$1${mask}`,
  },
  { shape: prefixed, masked: mask },
  { shape: /\beyJ[\w-]{8,2048}\.[\w-]{0,4096}\.[\w-]*(?:\.[\w-]*){0,2}/g, masked: mask },
  { shape: /\$(?:apr1|2[aby]|[156]|argon2\w{1,2})\$[\w./$=,+-]{8,}/g, masked: mask },
  {
    shape: /\b(auth\\{0,8}["']?:[ \t]{0,8}\\{0,8}["']?)([\w+/]{8,2048}={0,2})/g,
    masked: (whole, before = '', word = '') => (isLogin(word) ? `${before}${mask}` : whole),
  },
  { shape: /(\bcurl[ \t][^\n]{0,256}?(?:-u|--user)[ =]["']?[^\s:"']{1,64}:)[^\s"']+/g, masked: `$1${mask}` },
  // lines of a manifest
  {
    shape: new RegExp(String.raw`(name: "?${secretName}"?\n([ \t]*)value:${lines}`, 'gi'),
    masked: `$1$2  ${mask}\n`,
  },
  {
    shape: new RegExp(String.raw`((?<=^|\n)([ \t]*)(?:- )?"?${secretName}"?:${lines}`, 'gi'),
    masked: `$1$2  ${mask}\n`,
  },
  // an environment entry of a manifest, in YAML, in JSON, or in JSON within a string
  {
    shape: new RegExp(
      String.raw`(name\\{0,8}"?:\s{0,64}\\{0,8}"?(${secretName})\\{0,8}"?,?\s{0,64}\\{0,8}"?value\\{0,8}"?:[ \t]{0,8})(?![|>])(${value})`,
      'gi',
    ),
    masked: (_whole, before = '', _name, secret = '') => `${before}${quoted(secret)}`,
  },
  // --password value, also as two items of a list, in YAML or JSON
  {
    shape: new RegExp(
      String.raw`--?(${secretName})([ =]|\\{0,8}["'],\s{0,64}|["']?\n[ \t]{0,64}- (?=\S))(?!\\{0,8}["']?-)(${value})`,
      'gi',
    ),
    masked: (whole, key = '', between = '', secret = '') =>
      harmlessKey.test(key)
        ? whole
        : `${whole.slice(0, -secret.length)}${between === ' ' || between === '=' ? mask : quoted(secret)}`,
  },
  // KEY=value, key: value, "key":"value"
  {
    // `postgres.password: it is a number` is what we say ourselves of a configuration
    shape: new RegExp(
      String.raw`\b(${secretName})(\\{0,8}["']?[ \t]{0,8}[=:][ \t]{0,8})(?!it is |[|>][-+\d]{0,2}\n)(${value})`,
      'gi',
    ),
    masked: (whole, key = '', between = '', secret = '') =>
      harmlessKey.test(key) || isFolder(key, secret) ? whole : `${key}${between}${quoted(secret)}`,
  },
  { shape: randomLine, masked: (word) => (isRandom(word) ? mask : word) },
  { shape: random, masked: (word) => (isRandom(word) ? mask : word) },
];

/** The shells' variables of their working directory. */
const isFolder = (key: string, found: string): boolean => /^(?:old)?pwd$/i.test(key) && found.startsWith('/');

/** What stands behind a text in quotes, with the quote that ends it. */
const afterQuote = (text: string, quote: string): string => {
  const end = text.indexOf(quote, quote.length);
  return end === -1 ? '' : text.slice(end);
};

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

/** Within a value that is a file, or a URL, the values of its own. */
const within =
  /:\/\/[^\s:/@]*:(?<password>[^\s@/]+)@|(?:^|[\n,{[])[ \t]*(?:export |- )?["']?(?<key>[\w.-]+)["']?[ \t]*[=:](?!\/\/)[ \t]*(?<part>"[^"\n]*"|'[^'\n]*'|[^\s"'{[|>,}\]]+)/g;
/** What is part of a value, and shorter than this, or a number, stands in too many words that are no secret. */
const isTelling = (part: string): boolean => part.length >= 6 && !/^[\d.]+\w?$/.test(part);

function partsOf(whole: string): string[] {
  return [...whole.matchAll(within)].flatMap(({ groups = {} }) => {
    const { password, key = '', part = '' } = groups;
    if (password !== undefined) return [password];
    const found = part.replace(/^(["'])(.*)\1$/, '$2');
    if (plainKeys.test(key) || !isTelling(found)) return [];
    return [found, ...(key === 'auth' && isLogin(found) ? [passwordOf(found)] : [])];
  });
}

/** Of what Docker keeps of a login. */
const passwordOf = (login: string): string =>
  Buffer.from(login, 'base64').toString('utf8').replace(/^.*?:/, '');

/** The secret values of a Secret object, and those that they are made from. */
export function secretsOf(secret: { data?: Record<string, string> }): string[] {
  return Object.entries(secret.data ?? {})
    .filter(([key]) => !plainKeys.test(key))
    .map(([, encoded]) => Buffer.from(encoded, 'base64').toString('utf8'))
    .flatMap((whole) => [whole, ...partsOf(whole)]);
}
