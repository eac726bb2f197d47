//! Test tools: virtual network, scripted user agents, RTP peers, test databases.
