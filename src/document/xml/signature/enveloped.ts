import type { KeyObject } from 'node:crypto';
import { attributeOf, childrenOf, trimmed } from '../elements.ts';
import type { XmlElement } from '../tree.ts';
import { digestOf, EXCLUSIVE, isDigest, isMethod, isSignedBy, SIGNATURE } from './algorithms.ts';
import { canonical } from './canonical.ts';
import { SecurityProblem } from './security-problem.ts';
import {
  algorithmOf,
  exclusive,
  identified,
  mismatch,
  only,
  prefixesIn,
} from './signature-parts.ts';

const ENVELOPED = `${SIGNATURE}enveloped-signature`;

/**
 * Checks the signature that an element carries over itself, as SAML does. False if it carries none; throws a SecurityProblem if
 * it does not hold. The element as it was read here is what is signed: nothing is looked up or read again. Keys named in the
 * signature are not believed.
 */
export function isSignedByOneOf(
  element: XmlElement,
  root: XmlElement,
  keys: readonly KeyObject[],
): boolean {
  const [signature, ...more] = childrenOf(element, SIGNATURE, 'Signature');
  if (signature === undefined) return false;
  if (more.length > 0) throw new SecurityProblem('InvalidSecurity', 'there are several signatures');
  const info = only(signature, 'SignedInfo');
  const algorithm = algorithmOf(info, 'SignatureMethod', isMethod);
  const value = trimmed(only(signature, 'SignatureValue')).replaceAll(/\s/g, '');
  const text = [...canonical(info, prefixesIn(exclusive(info, 'CanonicalizationMethod')))].join('');
  const signed = { text, signature: Buffer.from(value, 'base64') };
  if (!keys.some((key) => isSignedBy(key, algorithm, signed))) {
    throw new SecurityProblem('FailedAuthentication', 'no key known here made the signature');
  }
  checkReference(only(info, 'Reference'), { element, root, signature });
  return true;
}

/** The one reference must mean the element itself, without the signature and nothing else. */
function checkReference(
  reference: XmlElement,
  {
    element,
    root,
    signature,
  }: { readonly element: XmlElement; readonly root: XmlElement; readonly signature: XmlElement },
): void {
  const uri = attributeOf(reference, 'URI') ?? '';
  const id = attributeOf(element, 'ID') ?? '';
  if (id === '' || uri !== `#${id}`) throw mismatch();
  if ((identified(root).get(id) ?? []).length > 1) {
    throw new SecurityProblem('InvalidSecurity', 'two elements have the id of the signed one');
  }
  const transforms = childrenOf(only(reference, 'Transforms'), SIGNATURE, 'Transform');
  const [, second] = transforms;
  const asWritten = transforms.map((one) => attributeOf(one, 'Algorithm'));
  if (
    second === undefined ||
    transforms.length !== 2 ||
    asWritten[0] !== ENVELOPED ||
    asWritten[1] !== EXCLUSIVE
  ) {
    throw new SecurityProblem(
      'UnsupportedAlgorithm',
      'what is signed must be the element without its signature, in exclusive canonical form',
    );
  }
  const inclusive = prefixesIn(second);
  const algorithm = algorithmOf(reference, 'DigestMethod', isDigest);
  const digest = trimmed(only(reference, 'DigestValue')).replaceAll(/\s/g, '');
  if (digestOf(element, { algorithm, inclusive, without: signature }) !== digest) throw mismatch();
}
