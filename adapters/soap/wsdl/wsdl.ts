import type { XmlElement } from 'waybill/document';
import { SOAP, type SoapVersion } from '../soap-version.ts';
import {
  attributeOf,
  childOf,
  childrenOf,
  elementsOf,
  type QualifiedName,
  qualified,
} from '../xml.ts';
import { schemasOf, type TellWsdl, WSDL, type WsdlFile, XSD } from './wsdl-file.ts';

/** WS-Addressing in a WSDL: the metadata of 2007, and the binding of 2006 that most files have. */
const ACTION_NAMESPACES = [
  'http://www.w3.org/2007/05/addressing/metadata',
  'http://www.w3.org/2006/05/addressing/wsdl',
  'http://www.w3.org/2005/08/addressing',
];

/** A part of a message: an element of a schema, or a type of one. */
interface MessagePart {
  readonly name: string;
  readonly element: QualifiedName | undefined;
}

/** The body of a request or an answer. */
interface MessageShape {
  readonly parts: readonly MessagePart[];
  /** rpc: the namespace of the wrapper; document: `''`. */
  readonly namespace: string;
  /** The `wsa:Action`. */
  readonly action: string;
}

export interface WsdlOperation {
  readonly name: string;
  readonly style: 'document' | 'rpc';
  /** The `soapAction` of the binding. */
  readonly soapAction: string;
  readonly input: MessageShape;
  /** Undefined for a message without an answer. */
  readonly output: MessageShape | undefined;
}

/** One port of a service: its address, its protocol and its operations. */
export interface WsdlPort {
  readonly service: string;
  readonly name: string;
  readonly version: SoapVersion;
  readonly address: string | undefined;
  readonly operations: readonly WsdlOperation[];
}

/** The element that the body of a message has: that of its part, or the wrapper of rpc. */
export function elementOf(
  { name, style }: Pick<WsdlOperation, 'name' | 'style'>,
  shape: MessageShape,
): QualifiedName | undefined {
  return style === 'rpc' ? { namespace: shape.namespace, local: name } : shape.parts[0]?.element;
}

/** Every port with SOAP over HTTP. */
export function portsOf(files: readonly WsdlFile[], tell: TellWsdl): readonly WsdlPort[] {
  const reading = new WsdlReading(files, tell);
  return files.flatMap((file) =>
    childrenOf(file.root, WSDL, 'service').flatMap((service) =>
      childrenOf(service, WSDL, 'port').flatMap((port) => reading.port(file, service, port) ?? []),
    ),
  );
}

interface Placed {
  readonly file: WsdlFile;
  readonly element: XmlElement;
}

const keyOf = (kind: string, { namespace, local }: QualifiedName): string =>
  `${kind} {${namespace}}${local}`;

/** Follows the names of a WSDL from its ports to the elements of its messages. */
class WsdlReading {
  readonly #known = new Map<string, Placed>();
  readonly #elements = new Set<string>();
  readonly #tell: TellWsdl;

  constructor(files: readonly WsdlFile[], tell: TellWsdl) {
    this.#tell = tell;
    for (const file of files) this.#index(file);
  }

  #index(file: WsdlFile): void {
    for (const schema of schemasOf(file)) {
      const namespace = attributeOf(schema, 'targetNamespace') ?? '';
      for (const element of childrenOf(schema, XSD, 'element')) {
        const local = attributeOf(element, 'name') ?? '';
        this.#elements.add(keyOf('element', { namespace, local }));
        // a schema without a namespace gets that of the schema that includes it
        if (namespace === '') this.#elements.add(`element *${local}`);
      }
    }
    if (file.root.uri !== WSDL) return;
    const namespace = attributeOf(file.root, 'targetNamespace') ?? '';
    for (const element of elementsOf(file.root)) {
      const local = attributeOf(element, 'name');
      if (element.uri !== WSDL || local === undefined) continue;
      this.#known.set(keyOf(element.local, { namespace, local }), { file, element });
    }
  }

  port(file: WsdlFile, service: XmlElement, port: XmlElement): WsdlPort | undefined {
    const binding = this.#find({ file, element: port }, 'binding', attributeOf(port, 'binding'));
    if (binding === undefined) return undefined;
    const version = (['1.1', '1.2'] as const).find(
      (one) => childOf(binding.element, SOAP[one].binding, 'binding') !== undefined,
    );
    if (version === undefined) return undefined;
    const { binding: namespace } = SOAP[version];
    const bound = childOf(binding.element, namespace, 'binding');
    const address = childOf(port, namespace, 'address');
    return {
      service: attributeOf(service, 'name') ?? '',
      name: attributeOf(port, 'name') ?? '',
      version,
      address: address && attributeOf(address, 'location'),
      operations: this.#operations(binding, namespace, bound && attributeOf(bound, 'style')),
    };
  }

  #operations(
    binding: Placed,
    namespace: string,
    style: string | undefined,
  ): readonly WsdlOperation[] {
    const type = this.#find(binding, 'portType', attributeOf(binding.element, 'type'));
    if (type === undefined) return [];
    return childrenOf(binding.element, WSDL, 'operation').flatMap((element) => {
      const name = attributeOf(element, 'name') ?? '';
      const declared = childrenOf(type.element, WSDL, 'operation').find(
        (one) => attributeOf(one, 'name') === name,
      );
      if (declared === undefined) {
        this.#report({ ...binding, element }, `the port type has no operation ${name}`);
        return [];
      }
      return this.#operation({
        binding: { ...binding, element },
        type,
        declared,
        namespace,
        style,
      });
    });
  }

  #operation({ binding, type, declared, namespace, style }: Declared): readonly WsdlOperation[] {
    const name = attributeOf(declared, 'name') ?? '';
    const bound = childOf(binding.element, namespace, 'operation');
    const given = (bound && attributeOf(bound, 'style')) ?? style;
    const input = this.#shape({ binding, type, declared, namespace, way: 'input' });
    if (input === undefined) return [];
    return [
      {
        name,
        style: given === 'rpc' ? 'rpc' : 'document',
        soapAction: (bound && attributeOf(bound, 'soapAction')) ?? '',
        input,
        output: this.#shape({ binding, type, declared, namespace, way: 'output' }),
      },
    ];
  }

  #shape(of: Omit<Declared, 'style'> & { readonly way: Way }): MessageShape | undefined {
    const { binding, type, declared, namespace, way } = of;
    const element = childOf(declared, WSDL, way);
    if (element === undefined) return undefined;
    const message = this.#find({ ...type, element }, 'message', attributeOf(element, 'message'));
    if (message === undefined) return undefined;
    const bound = childOf(binding.element, WSDL, way);
    const body = bound && bodyOf(bound, namespace);
    if (body !== undefined && attributeOf(body, 'use') === 'encoded') {
      this.#tell(
        binding.file.path,
        'it has messages of use encoded, which is not supported',
        'Ask for a service with document/literal or rpc/literal.',
        { source: binding.file, element: body },
      );
    }
    const wanted = body && attributeOf(body, 'parts')?.trim().split(/\s+/);
    const headers = bound === undefined ? [] : headerParts(bound, namespace);
    const parts = childrenOf(message.element, WSDL, 'part')
      .filter((part) => {
        const name = attributeOf(part, 'name') ?? '';
        return wanted === undefined ? !headers.includes(name) : wanted.includes(name);
      })
      .map((part) => this.#part(message, part));
    return {
      parts,
      namespace: (body && attributeOf(body, 'namespace')) ?? '',
      action: actionOf(type, declared, element),
    };
  }

  #part({ file }: Placed, part: XmlElement): MessagePart {
    const text = attributeOf(part, 'element');
    const element = text === undefined ? undefined : qualified(part, text);
    const isKnown =
      element === undefined ||
      this.#elements.has(keyOf('element', element)) ||
      this.#elements.has(`element *${element.local}`);
    if (!isKnown) {
      this.#tell(
        file.path,
        `no schema declares the element ${element.local} of a message`,
        'Add the schema to the files, or correct the name.',
        { source: file, element: part, warning: true },
      );
    }
    return { name: attributeOf(part, 'name') ?? '', element };
  }

  #find(from: Placed, kind: string, text: string | undefined): Placed | undefined {
    if (text === undefined) return undefined;
    const found = this.#known.get(keyOf(kind, qualified(from.element, text)));
    if (found === undefined) this.#report(from, `there is no ${kind} ${text}`);
    return found;
  }

  #report({ file, element }: Placed, what: string): void {
    this.#tell(file.path, what, 'Correct the name, or import the file that declares it.', {
      source: file,
      element,
    });
  }
}

type Way = 'input' | 'output';

interface Declared {
  readonly binding: Placed;
  readonly type: Placed;
  /** The operation of the port type. */
  readonly declared: XmlElement;
  /** Of the binding's elements. */
  readonly namespace: string;
  readonly style: string | undefined;
}

const MIME = 'http://schemas.xmlsoap.org/wsdl/mime/';

/** Where the body is described; with attachments, within the first part of a multipart. */
function bodyOf(bound: XmlElement, namespace: string): XmlElement | undefined {
  const parts = childrenOf(bound, MIME, 'multipartRelated').flatMap(elementsOf);
  return [bound, ...parts].map((one) => childOf(one, namespace, 'body')).find(Boolean);
}

/** The parts that are sent as headers. */
const headerParts = (bound: XmlElement, namespace: string): readonly string[] =>
  childrenOf(bound, namespace, 'header').flatMap((one) => attributeOf(one, 'part') ?? []);

/** What the WSDL says, or else the default of the WS-Addressing metadata §4.4.4. */
function actionOf(type: Placed, declared: XmlElement, element: XmlElement): string {
  for (const namespace of ACTION_NAMESPACES) {
    const given = attributeOf(element, 'Action', namespace);
    if (given !== undefined) return given;
  }
  const target = attributeOf(type.file.root, 'targetNamespace') ?? '';
  const operation = attributeOf(declared, 'name') ?? '';
  const isAnswered = childOf(declared, WSDL, 'output') !== undefined;
  const suffix = element.local === 'output' ? 'Response' : isAnswered ? 'Request' : '';
  const name = attributeOf(element, 'name') ?? `${operation}${suffix}`;
  const separator = /^urn:/i.test(target) ? ':' : '/';
  const base = target.endsWith(separator) ? target.slice(0, -1) : target;
  return [base, attributeOf(type.element, 'name') ?? '', name].join(separator);
}
