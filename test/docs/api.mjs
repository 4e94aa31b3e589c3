/** The page of the test API: each export of `jest-kubernetes` with its comment and its declaration. */
import { join } from 'node:path';
import ts from 'typescript';

import { flat, programOf } from './comments.mjs';
import { root } from './natively.mjs';

const entry = 'src/testing/index.ts';

const head = `# Test API

<!-- Made by \`npm run docs:generate\` from src/testing: change it there. -->

What \`import { … } from 'jest-kubernetes'\` gives. How it is used is told in [the guide](../guide/tests.md); of each error code,
[its own page](../errors.md).
`;

const printer = ts.createPrinter({ removeComments: false });

/** A declaration without its body or value, and without the comment before it. */
function signature(node, checker) {
  const { factory } = ts;
  const source = node.getSourceFile();
  const print = (each) =>
    printer.printNode(ts.EmitHint.Unspecified, each, source).replace(/^\/\*\*[^]*?\*\/\n/, '');
  const exported = node.modifiers?.filter(({ kind }) => kind !== ts.SyntaxKind.AsyncKeyword);
  if (ts.isFunctionDeclaration(node)) {
    // a default value is one that may be left out
    const parameters = node.parameters.map((each) =>
      each.initializer === undefined
        ? each
        : factory.updateParameterDeclaration(
            each,
            ...[each.modifiers, each.dotDotDotToken, each.name],
            factory.createToken(ts.SyntaxKind.QuestionToken),
            ...[each.type, undefined],
          ),
    );
    const { asteriskToken, name, typeParameters, type } = node;
    return print(
      factory.createFunctionDeclaration(
        exported,
        asteriskToken,
        name,
        typeParameters,
        parameters,
        type,
        undefined,
      ),
    );
  }
  if (ts.isVariableDeclaration(node)) {
    const type = checker.typeToString(checker.getTypeAtLocation(node));
    return `export const ${node.name.text}: ${type};`;
  }
  if (ts.isClassDeclaration(node)) return classSignature(node, checker);
  return source.text.slice(node.getStart(), node.end).replace(/^ *\/\/ eslint-.*\n/gm, '');
}

/** Its public members. */
function classSignature(node, checker) {
  const base = node.heritageClauses?.map((each) => each.getText()).join(' ') ?? '';
  const type = checker.getTypeAtLocation(node);
  const own = checker
    .getPropertiesOfType(type)
    .filter(({ valueDeclaration }) => valueDeclaration?.getSourceFile() === node.getSourceFile())
    .filter(({ valueDeclaration }) => !ts.isMethodDeclaration(valueDeclaration))
    .map((each) => `  readonly ${each.name}: ${checker.typeToString(checker.getTypeOfSymbol(each))};`);
  return [`export class ${node.name.text} ${base} {`, ...own, '}'].join('\n');
}

/** Error codes as links to their words. */
const linked = (text) =>
  text.replace(
    /\b[A-Z]+_[A-Z_]+\b|\bFORBIDDEN\b/g,
    (code) => `[${code}](../errors.md#${code.toLowerCase()})`,
  );

const tagText = (tag) => {
  const text = ts.displayPartsToString(tag.text);
  return text.replace(/^- /, '');
};

function section(symbol, checker) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const all = target.getDeclarations();
  // of overloads the one with the body is not seen by a caller
  const overloads = all.filter((each) => ts.isFunctionDeclaration(each) && each.body === undefined);
  const seen = overloads.length > 0 ? overloads : all;
  const tags = target.getJsDocTags(checker);
  const named = (name) => tags.filter((tag) => tag.name === name).map(tagText);
  const isCallable = seen.some(ts.isFunctionDeclaration);
  const parts = [
    `### ${isCallable ? `${symbol.name}()` : symbol.name}`,
    ...ts
      .displayPartsToString(target.getDocumentationComment(checker))
      .split('\n\n')
      .map(flat)
      .filter((text) => text !== ''),
    ['```ts', ...seen.map((each) => signature(each, checker)), '```'].join('\n'),
    named('param')
      .map(flat)
      .map((text) => `- ${text.replace(/^([\w.]+)(?: -)? /, '`$1`: ')}`)
      .join('\n'),
    ...named('returns').map((text) => `Returns ${flat(text)}.`),
    ...named('throws').map((text) => `Throws ${linked(flat(text)).replace(/^JestKubernetesError /, '')}.`),
    ...named('example').map((text) => ['```ts', text.replace(/^```ts\n|\n```$/g, ''), '```'].join('\n')),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** `docs/reference/api.md`. */
export function apiPage() {
  const program = programOf(entry);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, entry));
  const symbols = checker
    .getExportsOfModule(checker.getSymbolAtLocation(source))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const isValue = (symbol) => (checker.getAliasedSymbol(symbol).flags & ts.SymbolFlags.Value) !== 0;
  const isFunction = (symbol) => (checker.getAliasedSymbol(symbol).flags & ts.SymbolFlags.Function) !== 0;
  const groups = [
    ['Functions', symbols.filter(isFunction)],
    ['Values', symbols.filter((each) => isValue(each) && !isFunction(each))],
    ['Types', symbols.filter((each) => !isValue(each))],
  ];
  return [
    head,
    ...groups.flatMap(([title, list]) => [`## ${title}`, ...list.map((each) => section(each, checker))]),
  ].join('\n\n');
}
