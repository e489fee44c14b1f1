import { type Packet, parser } from 'mqtt-packet';

/** The packets of MQTT 5 in what passed in one direction, over all connections. */
export function packetsIn(bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  const reading = parser({ protocolVersion: 5 });
  reading.on('packet', (packet) => packets.push(packet));
  reading.parse(bytes);
  return packets;
}
