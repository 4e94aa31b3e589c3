/** What the comments of src say to a reader. */
import { join } from 'node:path';
import ts from 'typescript';

import { root } from './natively.mjs';

/** One program for all that is asked of it. */
export function programOf(...files) {
  const options = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node', 'jest'] },
    ...{ target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.NodeNext },
  };
  return ts.createProgram(
    files.map((file) => join(root, file)),
    options,
  );
}

/** A comment's text in one line; `{@link x}` is `x`. */
export const flat = (text) =>
  text
    .replace(/\{@link ([^}\s]+)\s*\}/g, '`$1`')
    .replace(/\s*\n\s*/g, ' ')
    .trim();

const withoutUndefined = (type) =>
  type.isUnion() ? type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined)) : [type];

/** The objects that a value of the type may be, in lists of them too. */
function objectsOf(type, checker) {
  return withoutUndefined(type).flatMap((each) => {
    if (checker.isArrayType(each)) return objectsOf(checker.getTypeArguments(each)[0], checker);
    return each.flags & ts.TypeFlags.Object && each.getCallSignatures().length === 0 ? [each] : [];
  });
}

/**
 * What each key of a type is for, by the shape of a JSON schema.
 * @returns a function that gives a schema's properties their descriptions, and those below them
 */
export function describer(program, file, name) {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, file));
  const declaration = source.statements.find((each) => each.name?.text === name);

  const describe = (schema, types) => {
    for (const branch of schema.anyOf ?? []) describe(branch, types);
    if (schema.items !== undefined) describe(schema.items, types);
    if (schema.properties === undefined) return;
    const keys = Object.keys(schema.properties);
    const having = types.filter((type) => keys.every((key) => type.getProperty(key) !== undefined));
    if (having.length === 0) throw new Error(`no type of ${name} has the keys ${keys.join(', ')}`);
    for (const [key, property] of Object.entries(schema.properties)) {
      const symbol = having[0].getProperty(key);
      const text = flat(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
      if (text !== '') property.description = text;
      describe(property, objectsOf(checker.getTypeOfSymbolAtLocation(symbol, source), checker));
    }
  };
  return (schema) => describe(schema, [checker.getTypeAtLocation(declaration)]);
}

/** The strings of a list, each with the comment before it. */
export function commentedList(program, file, name) {
  const source = program.getSourceFile(join(root, file));
  const [{ initializer }] = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .filter((each) => each.name.text === name);
  return initializer.elements.map((element) => {
    const [comment] = ts.getLeadingCommentRanges(source.text, element.pos) ?? [];
    if (comment === undefined) throw new Error(`${file}: ${element.text} has no comment`);
    const text = source.text.slice(comment.pos, comment.end).replace(/^\/\*\*|\*\/$/g, '');
    return { name: element.text, text: flat(text.replace(/^\s*\* ?/gm, '')) };
  });
}
