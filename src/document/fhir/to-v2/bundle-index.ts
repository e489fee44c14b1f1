import { type Element, isElement, type Resource } from '../v2/json.ts';
import { below, entries, textIn } from './uses.ts';

/** More resources than this are not one message of HL7 v2. */
export const MOST_RESOURCES = 20_000;

export interface IndexedResource {
  readonly resource: Resource;
  readonly fullUrl: string | undefined;
  /** Of the entry's request, such as `PUT`. */
  readonly method: string | undefined;
}

/** The resources of a Bundle, or a lone one, and what references lead to. */
export class BundleIndex {
  readonly resources: readonly IndexedResource[];
  /** When the Bundle was made. */
  readonly timestamp: string | undefined;
  /** What fhir-in was asked to do, such as `update`; undefined without such a request. */
  readonly interaction: string | undefined;
  readonly #byAddress = new Map<string, Resource>();
  /** Where references between contained resources lead, by the resource they are in. */
  readonly #contained = new Map<object, Resource>();
  /** What references say of resources that are not here, each once. */
  readonly #absent = new Map<string, Resource>();
  /** References that lead to nothing here: their types. */
  readonly missing = new Set<string>();

  constructor(body: Element) {
    const request = isResource(body) ? undefined : below(body, 'resource')?.value;
    const root = isResource(request) ? request : body;
    this.interaction = isResource(request) ? textIn(body, 'interaction') : undefined;
    this.timestamp = textIn(root, 'timestamp');
    this.resources =
      isResource(root) && root.resourceType === 'Bundle' ? entriesOf(root) : alone(root);
    for (const one of this.resources) this.#add(one);
  }

  ofType(type: string): Resource[] {
    return this.resources.flatMap(({ resource }) =>
      resource.resourceType === type ? [resource] : [],
    );
  }

  methodOf(resource: Resource): string | undefined {
    return this.resources.find((one) => one.resource === resource)?.method;
  }

  /** The resource itself, or one with what the reference says of it. */
  resolve(reference: Element): Resource | undefined {
    return this.find(reference) ?? this.#said(reference);
  }

  /** Only what is here. */
  find(reference: Element): Resource | undefined {
    const address = textIn(reference, 'reference');
    if (address === undefined) return undefined;
    if (address.startsWith('#')) return this.#contained.get(reference);
    return this.#byAddress.get(address) ?? this.#byAddress.get(bare(address));
  }

  #add({ resource, fullUrl }: IndexedResource): void {
    const { resourceType } = resource;
    const id = textIn(resource, 'id');
    if (fullUrl !== undefined) this.#byAddress.set(fullUrl, resource);
    if (id !== undefined) {
      const address = `${resourceType}/${id}`;
      if (!this.#byAddress.has(address)) this.#byAddress.set(address, resource);
    }
    const contained = entries(resource, 'contained').flatMap(({ value }) =>
      isResource(value) ? [value] : [],
    );
    if (contained.length > 0) this.#linkContained(resource, contained);
  }

  #linkContained(resource: Resource, contained: readonly Resource[]): void {
    const byId = new Map(contained.map((one) => [`#${textIn(one, 'id') ?? ''}`, one]));
    const walk: unknown[] = [resource];
    for (let at = walk.pop(); at !== undefined; at = walk.pop()) {
      if (Array.isArray(at)) walk.push(...at.slice(0, MOST_RESOURCES));
      if (!isElement(at)) continue;
      const found = byId.get(textIn(at, 'reference') ?? '');
      if (found !== undefined) this.#contained.set(at, found);
      walk.push(
        ...Object.values(at).filter((value) => typeof value === 'object' && value !== null),
      );
    }
  }

  #said(reference: Element): Resource | undefined {
    const address = textIn(reference, 'reference') ?? '';
    const [, typed, id] =
      /(?:^|\/)([A-Z]\w+)\/([\w.-]{1,64})(?:\/_history\/.*)?$/.exec(address) ?? [];
    const type = textIn(reference, 'type') ?? typed ?? /^([A-Z]\w+)\?/.exec(address)?.[1];
    if (type === undefined) return undefined;
    const display = textIn(reference, 'display');
    const identifier = below(reference, 'identifier')?.value ?? conditional(address);
    this.missing.add(type);
    const key = JSON.stringify([type, address, display, identifier]);
    const known = this.#absent.get(key);
    const made = known ?? saidOf(type, isElement(identifier) ? identifier : idAs(id), display);
    this.#absent.set(key, made);
    return made;
  }
}

const idAs = (id: string | undefined): Element | undefined =>
  id === undefined ? undefined : { value: id };

const saidOf = (
  type: string,
  identifier: Element | undefined,
  display: string | undefined,
): Resource => ({
  resourceType: type,
  ...(identifier !== undefined && { identifier: [identifier] }),
  ...(display !== undefined && { name: nameFor(type, display) }),
});

const bare = (address: string): string =>
  /([A-Z]\w+\/[\w.-]{1,64})(?:\/_history\/[^/]*)?$/.exec(address)?.[1] ?? address;

/** `Patient?identifier=SYSTEM|VALUE` */
function conditional(address: string): Element | undefined {
  const query = /\?(.*)$/s.exec(address)?.[1];
  const token = new URLSearchParams(query ?? '').get('identifier');
  if (query === undefined || token === null) return undefined;
  const [value, system] = token.split('|').toReversed();
  return { ...(system ? { system } : {}), value };
}

function nameFor(type: string, display: string): unknown {
  const isPerson = ['Patient', 'Practitioner', 'RelatedPerson', 'Person'].includes(type);
  return isPerson ? [{ family: display }] : display;
}

const isResource = (value: unknown): value is Resource =>
  isElement(value) && typeof value['resourceType'] === 'string';

const alone = (root: Element): IndexedResource[] =>
  isResource(root) ? [{ resource: root, fullUrl: undefined, method: undefined }] : [];

/** A Bundle in a Bundle (an answer, a document) counts with what it holds. */
function entriesOf(bundle: Element, depth = 0): IndexedResource[] {
  return entries(bundle, 'entry').flatMap(({ value }) => {
    if (!isElement(value)) return [];
    const resource = below(value, 'resource')?.value;
    if (!isResource(resource)) return [];
    if (resource.resourceType === 'Bundle' && depth < 3) return entriesOf(resource, depth + 1);
    const request = below(value, 'request')?.value;
    const method = isElement(request) ? textIn(request, 'method') : undefined;
    return [{ resource, fullUrl: textIn(value, 'fullUrl'), method }];
  });
}
