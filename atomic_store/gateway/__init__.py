"""The gateway: any WebSocket client proposes, decides, queries and follows."""
