/** A record that cannot be read as the table's schema says: the consumer should have made it a dead letter. */
export class Unreadable extends Error {}
