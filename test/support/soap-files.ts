import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';

/** Writes files into a fresh folder; names may have folders. */
export async function filesIn(files: Readonly<Record<string, string>>): Promise<TemporaryFolder> {
  const folder = await temporaryFolder('soap');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, name)), { recursive: true });
    await writeFile(join(folder.path, name), content);
  }
  return folder;
}

interface WsdlOptions {
  readonly address?: string;
  readonly version?: '1.1' | '1.2';
  readonly style?: 'document' | 'rpc';
}

/** A laboratory's service: `PlaceOrder` with an answer, `Notify` without one. Its elements are in `orders.xsd`. */
export function ordersWsdl({
  address = 'http://localhost:1/orders',
  version = '1.1',
  style = 'document',
}: WsdlOptions = {}): Readonly<Record<string, string>> {
  const soap = `http://schemas.xmlsoap.org/wsdl/soap${version === '1.2' ? '12' : ''}/`;
  const body =
    style === 'rpc'
      ? '<soap:body use="literal" namespace="urn:lab"/>'
      : '<soap:body use="literal"/>';
  const part = (name: string, element: string): string =>
    style === 'rpc'
      ? `<part name="${name}" type="lab:${element}Type"/>`
      : `<part name="${name}" element="lab:${element}"/>`;
  return {
    'orders.wsdl': `<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="${soap}" xmlns:lab="urn:lab"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:lab" name="Orders">
  <types><xs:schema><xs:import namespace="urn:lab" schemaLocation="schemas/orders.xsd"/></xs:schema></types>
  <message name="PlaceOrderIn">${part('order', 'Order')}</message>
  <message name="PlaceOrderOut">${part('receipt', 'Receipt')}</message>
  <message name="NotifyIn">${part('notice', 'Notice')}</message>
  <portType name="Orders">
    <operation name="PlaceOrder"><input message="lab:PlaceOrderIn"/><output message="lab:PlaceOrderOut"/></operation>
    <operation name="Notify"><input message="lab:NotifyIn"/></operation>
  </portType>
  <binding name="OrdersBinding" type="lab:Orders">
    <soap:binding style="${style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="PlaceOrder"><soap:operation soapAction="urn:lab:PlaceOrder"/><input>${body}</input><output>${body}</output></operation>
    <operation name="Notify"><soap:operation soapAction="urn:lab:Notify"/><input>${body}</input></operation>
  </binding>
  <service name="OrdersService"><port name="OrdersPort" binding="lab:OrdersBinding"><soap:address location="${address}"/></port></service>
</definitions>`,
    'schemas/orders.xsd': `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:lab" targetNamespace="urn:lab" elementFormDefault="qualified">
  <xs:complexType name="OrderType"><xs:sequence><xs:element name="test" type="xs:string"/><xs:element name="report" type="xs:base64Binary" minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:complexType name="ReceiptType"><xs:sequence><xs:element name="number" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:complexType name="NoticeType"><xs:sequence><xs:element name="text" type="xs:string"/></xs:sequence></xs:complexType>
  <xs:element name="Order" type="OrderType"/><xs:element name="Receipt" type="ReceiptType"/><xs:element name="Notice" type="NoticeType"/>
</xs:schema>`,
  };
}
