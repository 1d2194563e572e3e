// A receiver in plain Node: checks the signature, decodes the JSON, stores nothing.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const [host, port] = process.env.ADDRESS.split(":");

createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts);
    const mac = createHmac("sha256", process.env.MINDTICKLE_WEBHOOK_SECRET);
    mac.update(request.headers["x-mt-webhook-timestamp"] + ":").update(body);
    const given = Buffer.from(request.headers["x-mt-webhook-signature"] ?? "", "hex");
    const made = mac.digest();
    if (given.length !== made.length || !timingSafeEqual(given, made)) {
      response.writeHead(403).end("Invalid signature");
      return;
    }
    const answer = JSON.parse(body).event ? '{"received": true}' : "{}";
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": answer.length }).end(answer);
  });
}).listen(port, host);
