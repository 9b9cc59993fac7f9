import protobuf from "protobufjs/minimal.js";

// 64-bit fields are decoded to plain numbers: all of ours are sizes, counts, milliseconds and ordinals below 2^53.
// protobufjs decides by whether it found the `long` package, so it is told that it did not, before any message is read.
protobuf.util.Long = undefined as never;
protobuf.configure();
